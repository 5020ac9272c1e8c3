/** Time, injected: nothing else in this program reads a clock. */
import { performance } from "node:perf_hooks";

/** A wall clock and a monotonic clock. */
export interface Clock {
  /** Unix time in whole seconds. */
  now(): number;
  /** Unix time in milliseconds, for timestamps. */
  wallMs(): number;
  /** Milliseconds that never go backwards, from an arbitrary origin. Needs no `this`. */
  readonly monotonicMs: () => number;
}

/** The machine's clocks. */
export const systemClock: Clock = {
  now: () => Math.floor(Date.now() / 1000),
  wallMs: Date.now,
  // Read for every remembered answer: bound once, not looked up on the global object.
  monotonicMs: performance.now.bind(performance),
};

/** A clock that stands still until it is moved; for tests and replays. */
export class ManualClock implements Clock {
  #wallMs: number;
  #monotonicMs = 0;

  constructor(unixSeconds: number) {
    this.#wallMs = unixSeconds * 1000;
  }

  now(): number {
    return Math.floor(this.#wallMs / 1000);
  }

  wallMs(): number {
    return this.#wallMs;
  }

  // Bound, so that it can be handed on.
  readonly monotonicMs = (): number => this.#monotonicMs;

  /** Time passes on both clocks. */
  advance(seconds: number): void {
    this.#wallMs += seconds * 1000;
    this.#monotonicMs += seconds * 1000;
  }

  /** The wall clock is set; the monotonic clock is not. */
  setWall(unixSeconds: number): void {
    this.#wallMs = unixSeconds * 1000;
  }
}
