/** Duties of the service, written back into the bucket that its records come from: by compare-and-set, record by record. */
import type { DeviceRecord } from "../decision/facts.ts";
import type { Fault } from "../runtime/fault.ts";
import type { KeyValue } from "../runtime/ports.ts";
import { dutyOf, type Told } from "./duty.ts";
import type { DutyLedger } from "./duty-ledger.ts";
import { DutyQueue, type DutyQueueOptions } from "./duty-queue.ts";

/** Parts of {@link WriteBack}. */
export interface WriteBackOptions extends Pick<DutyQueueOptions, "owes" | "records"> {
  /** Opens the bucket, again after each failure. */
  readonly open: () => Promise<KeyValue>;
  readonly ledger: DutyLedger;
  /** Milliseconds before a bucket that could not be written is tried again. Default 5000. */
  readonly retryMs?: number;
}

const text = new TextDecoder();
const bytes = new TextEncoder();

/**
 * `reentry_required_since` and spent claims of each device, from when they are recorded here. What the source says
 * otherwise stays; nothing is written that it says already.
 */
export class WriteBack implements AsyncDisposable {
  readonly #ledger: DutyLedger;
  readonly #queue: DutyQueue;

  constructor({ ledger, open, owes, records, retryMs = 5000 }: WriteBackOptions) {
    this.#ledger = ledger;
    let bucket: KeyValue | undefined;
    this.#queue = new DutyQueue({
      ledger,
      owes,
      records,
      retryMs,
      begin: async () => {
        bucket = await open();
      },
      deliver: async (device) => {
        if (bucket !== undefined) await this.#write(bucket, device);
      },
    });
  }

  /** Devices whose record is still to be written. */
  get due(): number {
    return this.#queue.due;
  }

  /** Why the last try failed; `undefined`: it did not. */
  get fault(): Fault | undefined {
    return this.#queue.fault;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#queue[Symbol.asyncDispose]();
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
    let record: Told;
    try {
      record = JSON.parse(text.decode(value)) as Told;
    } catch {
      return undefined;
    }
    if (typeof record !== "object" || record === null || typeof record.state !== "object") return undefined;
    const duty = dutyOf(device, record, this.#ledger);
    if (duty === undefined) return undefined;
    const credentials: Record<string, DeviceRecord["credentials"][string]> = { ...record.credentials };
    for (const fingerprint of duty.spent_claims) {
      const each = credentials[fingerprint];
      if (each?.claim !== undefined)
        credentials[fingerprint] = { ...each, claim: { ...each.claim, used: true } };
    }
    const { reentry_required_since: said = 0 } = record.state ?? {};
    const reentry_required_since = Math.max(said, duty.reentry_required_since);
    return { ...record, state: { ...record.state, reentry_required_since }, credentials };
  }
}
