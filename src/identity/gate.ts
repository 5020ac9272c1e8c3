/** Lets a bounded number of slow works run at once; a bounded number waits; the rest is turned away. */
import { Fault } from "../runtime/fault.ts";

/** Bounds of a gate. */
export interface GateLimits {
  readonly running: number;
  readonly waiting: number;
}

/** A gate in front of slow work. */
export class Gate {
  readonly #limits: GateLimits;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(limits: GateLimits) {
    this.#limits = limits;
  }

  /** Runs `work` when it is its turn. Throws `overloaded` where too many wait. */
  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#limits.running) {
      if (this.#waiting.length >= this.#limits.waiting) {
        throw new Fault("overloaded", "too many secrets are being checked; try again later");
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#running++;
    }
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}
