/**
 * How many batches may be on their way at once. While the service answers quickly there are more of them and they stay
 * small; when it slows down there are fewer, and what waits meanwhile leaves in larger ones.
 */

/** Answers this much later than the quickest ones mean that a queue grows at the other end. */
const slowFactor = 3;
/** What is too short to say anything, in milliseconds. */
const noiseMs = 2;
/** The quickest time is forgotten at this rate per answer, so that a service which stays slower counts as usual again. */
const forgetting = 1.01;

/** The window of one stream. */
export class BatchWindow {
  #most = 1;
  #limit = 1;
  #quickestMs = Number.POSITIVE_INFINITY;

  /** Batches that may be on their way. */
  get limit(): number {
    return this.#limit;
  }

  /** A new stream allows `most`. */
  open(most: number): void {
    this.#most = Math.max(1, most);
    this.#limit = Math.min(this.#most, 2);
    this.#quickestMs = Number.POSITIVE_INFINITY;
  }

  /** A batch was answered after `tookMs`, while `waiting` questions had no batch yet. */
  answered(tookMs: number, waiting: number): void {
    this.#quickestMs = Math.min(this.#quickestMs * forgetting, Math.max(tookMs, 0.01));
    if (tookMs > this.#quickestMs * slowFactor + noiseMs) this.#limit = Math.max(1, this.#limit - 1);
    else if (waiting > 0) this.#limit = Math.min(this.#most, this.#limit + 1);
  }
}
