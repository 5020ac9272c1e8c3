/** Duties of the service on their way back to the source of a record: each device until it was told, whatever fails. */
import { setTimeout as sleep } from "node:timers/promises";
import { Fault } from "../runtime/fault.ts";
import { OwedDuties, type OwedDutiesOptions } from "./owed-duties.ts";

/** Parts of {@link DutyQueue}. */
export interface DutyQueueOptions extends Omit<OwedDutiesOptions, "found"> {
  /** What is to be done before a round, where anything is; rejects where the source cannot be reached. */
  readonly begin?: () => Promise<void>;
  /**
   * Tells the source what is recorded of a device, or does nothing where it says so already. Rejects with
   * `unreachable` where no other can be told either.
   */
  readonly deliver: (device: string, signal: AbortSignal) => Promise<void>;
  /** Milliseconds before what failed is tried again; it grows to twelve times that. Default 5000. */
  readonly retryMs?: number;
}

/**
 * What the ledger holds is durable: at each start all of it is looked at, and due where the source does not say it. A
 * device that cannot be told stands in nobody's way.
 */
export class DutyQueue implements AsyncDisposable {
  readonly #options: DutyQueueOptions;
  readonly #owed: OwedDuties;
  readonly #ending = new AbortController();
  readonly #due = new Set<string>();
  /** Devices that are being told. */
  #telling = 0;
  #wake = (): void => {};
  readonly #running: Promise<void>;
  /** Why the last round failed; `undefined`: it did not. */
  fault: Fault | undefined;

  constructor(options: DutyQueueOptions) {
    this.#options = options;
    // What was recorded before this start may not have been told.
    this.#owed = new OwedDuties({
      ...options,
      found: (devices) => {
        for (const device of devices) this.#due.add(device);
        this.#wake();
      },
    });
    this.#running = this.#run();
  }

  /** Devices whose source is still to be told. */
  get due(): number {
    return this.#due.size + this.#telling;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owed[Symbol.asyncDispose]();
    this.#ending.abort();
    this.#wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending;
    const { retryMs = 5000 } = this.#options;
    for (let failures = 0; !signal.aborted; ) {
      this.fault = await this.#round();
      failures = this.fault === undefined ? 0 : failures + 1;
      if (failures > 0) await sleep(retryMs * Math.min(failures, 12), undefined, { signal }).catch(() => {});
      else if (this.#due.size === 0 && !signal.aborted)
        await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Tries each device once; why one of them failed. */
  async #round(): Promise<Fault | undefined> {
    const { begin, deliver } = this.#options;
    const { signal } = this.#ending;
    let failed: Fault | undefined;
    try {
      if (this.#due.size > 0) await begin?.();
    } catch (thrown) {
      return Fault.from(thrown, "unreachable", "duties cannot be written back");
    }
    // Those that fail are due again, for the next round.
    const now = Array.from(this.#due);
    for (const device of now) {
      if (signal.aborted) return failed;
      // What is recorded while it is told makes it due again.
      this.#due.delete(device);
      this.#telling = 1;
      try {
        await deliver(device, signal);
      } catch (thrown) {
        this.#due.add(device);
        failed = Fault.from(thrown, "unreachable", "a duty cannot be written back");
        if (failed.code === "unreachable") return failed;
      } finally {
        this.#telling = 0;
      }
    }
    return failed;
  }
}
