/** Who is told of something, and waited for. */
import { Fault } from "../runtime/fault.ts";

/** Calls all of them, whatever one of them throws. `failed`: what it means where one does. */
export class Listeners<Args extends readonly unknown[]> {
  readonly #listeners = new Set<(...args: Args) => unknown>();
  readonly #failed: string;

  constructor(failed: string) {
    this.#failed = failed;
  }

  /** Calls `listener` from now on. Returns how to stop. */
  add(listener: (...args: Args) => unknown): () => void {
    const own = (...args: Args): unknown => listener(...args);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  clear(): void {
    this.#listeners.clear();
  }

  /** Calls all in this turn, then waits for all. Rejects with the first fault, once everybody was told. */
  async announce(...args: Args): Promise<void> {
    const faults: unknown[] = [];
    const waiting: Promise<unknown>[] = [];
    for (const listener of this.#listeners) {
      try {
        const done = listener(...args);
        if (done instanceof Promise) waiting.push(done);
      } catch (error) {
        faults.push(error);
      }
    }
    for (const end of await Promise.allSettled(waiting))
      if (end.status === "rejected") faults.push(end.reason);
    if (faults.length > 0) throw Fault.from(faults[0], "internal", this.#failed);
  }
}
