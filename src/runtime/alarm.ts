/** A timer for times that may be further away than a Node timer reaches. */

/** Longest delay of a Node timer, in milliseconds (about 24.8 days). */
const longest = 2 ** 31 - 1;

/** Rings once, `inMs` after it was last set. It never keeps the process alive. */
export class Alarm {
  readonly #ring: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(ring: () => void) {
    this.#ring = ring;
  }

  /** Sets or moves the alarm. */
  set(inMs: number): void {
    this.clear();
    const step = Math.min(Math.max(inMs, 0), longest);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (inMs > step) this.set(inMs - step);
      else this.#ring();
    }, step);
    this.#timer.unref();
  }

  /** Makes it silent until it is set again. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
