/** Duties of the service on their way back to the source of a record: each device until it was told, whatever fails. */
import { setTimeout as sleep } from "node:timers/promises";
import type { RecordKey } from "../decision/facts.ts";
import { Fault } from "../runtime/fault.ts";
import type { DutyLedger } from "./duty-ledger.ts";

/** Parts of {@link DutyQueue}. */
export interface DutyQueueOptions {
  readonly ledger: DutyLedger;
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
 * What the ledger holds is durable: at each start all of it is due, and what the source says already costs a look. A
 * device that cannot be told stands in nobody's way.
 */
export class DutyQueue implements AsyncDisposable {
  readonly #options: DutyQueueOptions;
  readonly #leave: () => void;
  readonly #ending = new AbortController();
  readonly #due = new Set<string>();
  #wake = (): void => {};
  readonly #running: Promise<void>;
  /** Why the last round failed; `undefined`: it did not. */
  fault: Fault | undefined;

  constructor(options: DutyQueueOptions) {
    this.#options = options;
    const { ledger } = options;
    // What was recorded before this start may not have been told.
    for (const [device] of ledger.reentries()) this.#due.add(device);
    for (const [, device] of ledger.claims()) this.#due.add(device);
    this.#leave = ledger.onChange((change) => {
      if (change.scope !== "records") return;
      this.look(devicesIn(change.keys));
    });
    this.#running = this.#run();
  }

  /** Devices whose source is still to be told. */
  get due(): number {
    return this.#due.size;
  }

  /** Looks at these devices again: what their source says of them is something else now. */
  look(devices: Iterable<string>): void {
    for (const device of devices) this.#due.add(device);
    if (this.#due.size > 0) this.#wake();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#leave();
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
      try {
        await deliver(device, signal);
      } catch (thrown) {
        this.#due.add(device);
        failed = Fault.from(thrown, "unreachable", "a duty cannot be written back");
        if (failed.code === "unreachable") return failed;
      }
    }
    return failed;
  }
}

/** Ids of the devices among the keys. */
export function devicesIn(keys: readonly RecordKey[]): readonly string[] {
  return keys.filter((key) => key.startsWith("device:")).map((key) => key.slice("device:".length));
}
