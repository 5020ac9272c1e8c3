/** Duties on their way to a source that pushes: each told once over a connection, until the source says that it has it. */
import type { DeviceRecord } from "../decision/facts.ts";
import type * as wire from "../gen/sallyport/v1/registry.ts";
import { dutyOf } from "../registry/duty.ts";
import type { DutyLedger } from "../registry/duty-ledger.ts";
import { devicesIn } from "../registry/duty-queue.ts";
import type { StoredRecord } from "../registry/stored-record.ts";

/** Parts of {@link SyncDuties}. */
export interface SyncDutiesParts {
  readonly ledger: DutyLedger;
  /** The record in force, where this source owns it. */
  readonly record: (device: string) => StoredRecord<DeviceRecord> | undefined;
  readonly send: (duty: wire.SyncDuty) => void;
}

/** The duties of one connection. What the ledger holds is durable: the next connection is told what is still open. */
export class SyncDuties implements Disposable {
  readonly #parts: SyncDutiesParts;
  readonly #due = new Set<string>();
  readonly #told = new Set<string>();
  readonly #leave: () => void;

  constructor(parts: SyncDutiesParts) {
    this.#parts = parts;
    for (const [device] of parts.ledger.reentries()) this.#due.add(device);
    for (const [, device] of parts.ledger.claims()) this.#due.add(device);
    this.#leave = parts.ledger.onChange((change) => {
      if (change.scope !== "records") return;
      for (const device of devicesIn(change.keys)) {
        this.#due.add(device);
        this.#told.delete(device);
      }
      this.tell();
    });
  }

  /** Tells what is due and was not told over this connection. */
  tell(): void {
    const { ledger, record, send } = this.#parts;
    for (const device of this.#due) {
      const known = record(device)?.record;
      if (known === undefined || this.#told.has(device)) continue;
      const duty = dutyOf(device, known, ledger);
      if (duty === undefined) {
        this.#due.delete(device);
        continue;
      }
      this.#told.add(device);
      send({ ...duty, spent_claims: [...duty.spent_claims] });
    }
  }

  /** The source has it. */
  taken(key: string): void {
    this.#due.delete(key.slice("device:".length));
  }

  [Symbol.dispose](): void {
    this.#leave();
  }
}
