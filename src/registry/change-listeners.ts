/** Who is told of changes, and waited for. */
import type { Change } from "../decision/change.ts";
import { Fault } from "../runtime/fault.ts";

/** Is told of a change; a promise that it returns is waited for. */
export type ChangeListener = (change: Change) => unknown;

/** Calls all of them, whatever one of them throws. */
export class ChangeListeners {
  readonly #listeners = new Set<ChangeListener>();

  /** Calls `listener` from now on. Returns how to stop. */
  add(listener: ChangeListener): () => void {
    const own: ChangeListener = (change) => listener(change);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  clear(): void {
    this.#listeners.clear();
  }

  /** Calls all in this turn, then waits for all. Rejects with the first fault, once everybody was told. */
  async announce(change: Change): Promise<void> {
    const faults: unknown[] = [];
    const waiting: Promise<unknown>[] = [];
    for (const listener of this.#listeners) {
      try {
        const done = listener(change);
        if (done instanceof Promise) waiting.push(done);
      } catch (error) {
        faults.push(error);
      }
    }
    for (const end of await Promise.allSettled(waiting))
      if (end.status === "rejected") faults.push(end.reason);
    if (faults.length > 0) throw Fault.from(faults[0], "internal", "a change was not taken up everywhere");
  }
}
