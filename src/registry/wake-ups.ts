/** Waiting for something that comes true when others have spoken. */
import { Fault } from "../runtime/fault.ts";

/** Those who wait. */
export class WakeUps {
  readonly #waiting = new Set<() => void>();

  /** Something was heard: each looks again. */
  wake(): void {
    for (const look of this.#waiting) look();
  }

  /** Resolves when `reached`. Rejects with `deadline_exceeded` after `withinMs`. */
  until(reached: () => boolean, withinMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(look);
      };
      const look = (): void => {
        if (!reached()) return;
        end();
        resolve();
      };
      const late = "the other nodes were told; this one has not heard it back in time";
      const timer = setTimeout(() => {
        end();
        reject(new Fault("deadline_exceeded", late));
      }, withinMs);
      this.#waiting.add(look);
      look();
    });
  }
}
