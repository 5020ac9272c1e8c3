/** A token bucket: how often something may happen, with a burst. */

/** A rate: `perSecond` on average, `burst` at once. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** Hands out tokens, on credit where the caller is willing to wait. */
export class TokenBucket {
  #rate: Rate;
  #tokens: number;
  #atMs: number;

  constructor(rate: Rate, nowMs: number) {
    this.#rate = rate;
    this.#tokens = rate.burst;
    this.#atMs = nowMs;
  }

  /** The rate in force. */
  get rate(): Rate {
    return this.#rate;
  }

  /** Changes the rate; saved tokens above the new burst are lost. */
  setRate(rate: Rate, nowMs: number): void {
    this.#refill(nowMs);
    this.#rate = rate;
    this.#tokens = Math.min(this.#tokens, rate.burst);
  }

  /**
   * Takes a token and returns the milliseconds to wait before it may be used (0: at once). If that would
   * be more than `maxWaitMs`, none is taken and the answer is `undefined`. `nowMs` is monotonic. The last `keep`
   * tokens are left to others.
   */
  take(nowMs: number, maxWaitMs: number, keep = 0): number | undefined {
    this.#refill(nowMs);
    const after = this.#tokens - 1;
    const short = keep - after;
    const waitMs = short <= 0 ? 0 : (short * 1000) / this.#rate.perSecond;
    if (waitMs > maxWaitMs) return undefined;
    this.#tokens = after;
    return waitMs;
  }

  #refill(nowMs: number): void {
    const elapsed = Math.max(0, nowMs - this.#atMs);
    this.#atMs = nowMs;
    this.#tokens = Math.min(this.#rate.burst, this.#tokens + (elapsed * this.#rate.perSecond) / 1000);
  }
}
