/** Duties on their way to a source that pushes: each told once over a connection, until the source says that it has it. */
import type * as wire from "../gen/sallyport/v1/registry.ts";
import { dutyOf } from "../registry/duty.ts";
import type { DutyLedger } from "../registry/duty-ledger.ts";
import { OwedDuties, type OwedDutiesOptions } from "../registry/owed-duties.ts";
import { type OwnRecord, owes } from "../registry/owes.ts";

/** Parts of {@link SyncDuties}. */
export interface SyncDutiesParts {
  readonly ledger: DutyLedger;
  readonly records: NonNullable<OwedDutiesOptions["records"]>;
  /** The record in force, where this source owns it. */
  readonly own: OwnRecord;
  readonly send: (duty: wire.SyncDuty) => void;
}

/** The duties of one connection. What the ledger holds is durable: the next connection is told what is still open. */
export class SyncDuties implements AsyncDisposable {
  readonly #parts: SyncDutiesParts;
  readonly #owed: OwedDuties;
  readonly #due = new Set<string>();
  /** What was told of a device over this connection: it is not said twice. */
  readonly #told = new Map<string, string>();
  /** Whether what is in force is what this connection says: an older record may not say what is on its way. */
  #current = false;

  constructor(parts: SyncDutiesParts) {
    this.#parts = parts;
    const { ledger, own, records } = parts;
    const found = (devices: readonly string[]): void => {
      for (const device of devices) this.#due.add(device);
      if (this.#current) this.#tell();
    };
    this.#owed = new OwedDuties({ ledger, records, owes: owes(own, ledger), found });
  }

  /** Something was acknowledged. */
  acknowledged(): void {
    this.#current = true;
    this.#tell();
  }

  /** Await it before the next message where it is there: duties come before the next acknowledgement. */
  get looking(): Promise<void> | undefined {
    return this.#owed.looking;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owed[Symbol.asyncDispose]();
  }

  #tell(): void {
    const { ledger, own, send } = this.#parts;
    for (const device of this.#due) {
      this.#due.delete(device);
      const known = own(device)?.record;
      const duty = known === undefined ? undefined : dutyOf(device, known, ledger);
      if (duty === undefined) continue;
      const words = JSON.stringify(duty);
      if (this.#told.get(device) === words) continue;
      this.#told.set(device, words);
      send({ ...duty, spent_claims: [...duty.spent_claims] });
    }
  }
}
