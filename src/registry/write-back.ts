/** Duties of the service, written back into the bucket that its records come from: by compare-and-set, record by record. */
import { setTimeout as sleep } from "node:timers/promises";
import type { DeviceRecord } from "../decision/facts.ts";
import { Fault } from "../runtime/fault.ts";
import type { KeyValue } from "../runtime/ports.ts";
import type { DutyLedger } from "./duty-ledger.ts";

/** Parts of {@link WriteBack}. */
export interface WriteBackOptions {
  /** Opens the bucket, again after each failure. */
  readonly open: () => Promise<KeyValue>;
  readonly ledger: DutyLedger;
  /** Milliseconds before a bucket that could not be written is tried again. Default 5000. */
  readonly retryMs?: number;
}

type Stored = {
  readonly state?: Partial<DeviceRecord["state"]>;
  readonly credentials?: DeviceRecord["credentials"];
};

const text = new TextDecoder();
const bytes = new TextEncoder();

/**
 * `reentry_required_since` and spent claims of each device, from when they are recorded here. What the source says
 * otherwise stays; nothing is written that it says already.
 */
export class WriteBack implements AsyncDisposable {
  readonly #options: WriteBackOptions;
  readonly #leave: () => void;
  readonly #ending = new AbortController();
  readonly #due = new Set<string>();
  #wake = (): void => {};
  readonly #running: Promise<void>;
  /** Why the last try failed; `undefined`: it did not. */
  fault: Fault | undefined;

  constructor(options: WriteBackOptions) {
    this.#options = options;
    // What was recorded before this start may not have been written.
    for (const [device] of options.ledger.reentries()) this.#due.add(device);
    for (const [, device] of options.ledger.claims()) this.#due.add(device);
    this.#leave = options.ledger.onChange((change) => {
      if (change.scope !== "records") return;
      for (const key of change.keys)
        if (key.startsWith("device:")) this.#due.add(key.slice("device:".length));
      this.#wake();
    });
    this.#running = this.#run();
  }

  /** Devices whose record is still to be written. */
  get due(): number {
    return this.#due.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#leave();
    this.#ending.abort();
    this.#wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      try {
        if (this.#due.size > 0) await this.#writeAll(await this.#options.open());
        this.fault = undefined;
        if (this.#due.size === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
      } catch (thrown) {
        this.fault = Fault.from(thrown, "unreachable", "duties cannot be written back");
        await sleep(this.#options.retryMs ?? 5000, undefined, { signal }).catch(() => {});
      }
    }
  }

  async #writeAll(bucket: KeyValue): Promise<void> {
    for (const device of this.#due) {
      if (this.#ending.signal.aborted) return;
      await this.#write(bucket, device);
      this.#due.delete(device);
    }
  }

  async #write(bucket: KeyValue, device: string): Promise<void> {
    const key = `device:${device}`;
    for (;;) {
      const entry = await bucket.get(key);
      // A record that is not of this bucket, or that nobody can read, is its owner's.
      if (entry?.value === undefined) return;
      const changed = this.#marked(device, entry.value);
      if (changed === undefined) return;
      if ((await bucket.putIf(key, bytes.encode(JSON.stringify(changed)), entry.revision)) !== undefined)
        return;
    }
  }

  /** The record with what is recorded here; `undefined`: it says so already. */
  #marked(device: string, value: Uint8Array): object | undefined {
    const { ledger } = this.#options;
    let record: Stored;
    try {
      record = JSON.parse(text.decode(value)) as Stored;
    } catch {
      return undefined;
    }
    if (typeof record !== "object" || record === null || typeof record.state !== "object") return undefined;
    const since = Math.max(ledger.reentrySince(device), record.state.reentry_required_since ?? 0);
    const spent = Object.entries(record.credentials ?? {}).filter(
      ([fingerprint, { claim }]) => claim?.used === false && ledger.isSpent(fingerprint),
    );
    if (since === (record.state.reentry_required_since ?? 0) && spent.length === 0) return undefined;
    const used = spent.map(
      ([fingerprint, each]) => [fingerprint, { ...each, claim: { ...each.claim, used: true } }] as const,
    );
    return {
      ...record,
      state: { ...record.state, reentry_required_since: since },
      credentials: { ...record.credentials, ...Object.fromEntries(used) },
    };
  }
}
