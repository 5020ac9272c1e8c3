/** Answers promised to callers who cannot be told of a change: until when each of them may go on allowing. */

/** Stands for a promise without an end. */
export const unboundedUntil: number = Number.MAX_SAFE_INTEGER;

/**
 * The latest promise per record that answers rest on, in unix seconds, in bounded memory. Beyond the bound the oldest devices are folded
 * into one figure that then holds for every device: more is called uncovered than is, never less.
 */
export class Promises {
  readonly #max: number;
  readonly #until = new Map<string, number>();
  #floor: number;

  /** `floor`: what an earlier process may have promised to anyone. */
  constructor(maxDevices: number, floor = 0) {
    this.#max = Math.max(1, maxDevices);
    this.#floor = floor;
  }

  /** Devices remembered one by one. */
  get size(): number {
    return this.#until.size;
  }

  /** A device was promised an allow until `until`. */
  promise(device: string, until: number): void {
    const had = this.#until.get(device);
    if (had !== undefined) {
      if (until > had) this.#until.set(device, until);
      return;
    }
    if (this.#until.size >= this.#max) this.#fold();
    this.#until.set(device, until);
  }

  /** The end of what a device was promised; `undefined`: nothing that has not ended at `now`. */
  of(device: string, now: number): number | undefined {
    const own = this.#until.get(device) ?? 0;
    const until = Math.max(own, this.#floor);
    return until > now ? until : undefined;
  }

  /** Of everyone: the latest end. */
  latest(now: number): number | undefined {
    let until = this.#floor;
    for (const each of this.#until.values()) until = Math.max(until, each);
    return until > now ? until : undefined;
  }

  /** Forgets what has ended. */
  prune(now: number): void {
    for (const [device, until] of this.#until) if (until <= now) this.#until.delete(device);
  }

  #fold(): void {
    for (const [device, until] of this.#until) {
      this.#floor = Math.max(this.#floor, until);
      this.#until.delete(device);
      return;
    }
  }
}
