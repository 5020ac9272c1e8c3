// @ts-check
/** Deterministic chance (mulberry32). */
export class Dice {
  /** @param {number} seed */
  constructor(seed) {
    this.state = seed >>> 0;
  }
  /** A number from 0 to 1, without 1. */
  next() {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  /** @param {number} from @param {number} to An integer, both ends included. */
  between(from, to) {
    return from + Math.floor(this.next() * (to - from + 1));
  }
  /** @param {number} share */
  chance(share) {
    return this.next() < share;
  }
  /** @param {readonly (readonly [number, unknown])[]} weighted Weights and values. @returns {any} */
  pick(weighted) {
    let left = this.next() * weighted.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, value] of weighted) if ((left -= weight) < 0) return value;
    return weighted.at(-1)?.[1];
  }
}
