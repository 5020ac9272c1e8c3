/** Devices whose source is still to be told: looked for in the ledger at the start, then wherever something changes. */
import type { Change } from "../decision/change.ts";
import { giveWay } from "../runtime/give-way.ts";
import type { DutyLedger } from "./duty-ledger.ts";

/** What of the ledger it takes to find them. */
export type Recorded = Pick<DutyLedger, "concerns" | "onChange" | "slices">;

/** Where duties are looked for. */
export interface OwedDutiesOptions {
  readonly ledger: Recorded;
  /** Whether the source of a device must be told, as far as is known here. Default: always. */
  readonly owes?: ((device: string) => boolean) | undefined;
  /** Calls back with each change of a record; a source may say again what it was told otherwise, or own a device only now. */
  readonly records?: { onChange(listener: (change: Change) => unknown): () => void } | undefined;
  readonly found: (devices: readonly string[]) => void;
}

/** Devices that are looked at before others may run. */
const atOnce = 64;

/** Keeps looking, in small steps: a ledger may name a whole fleet. */
export class OwedDuties implements AsyncDisposable {
  readonly #options: OwedDutiesOptions;
  readonly #leave: readonly (() => void)[];
  /** Devices to be looked at. */
  readonly #asked: Iterable<string>[] = [];
  #looking: Promise<void> = Promise.resolve();
  #busy = false;
  #ended = false;

  constructor(options: OwedDutiesOptions) {
    this.#options = options;
    const { ledger, records } = options;
    const heard = (change: Change): void => {
      if (change.scope === "records") this.#look(devicesIn(change.keys));
      else if (change.scope === "everything") this.#look(recorded(ledger));
    };
    const leave = [ledger.onChange(heard)];
    if (records !== undefined) leave.push(records.onChange(heard));
    this.#leave = leave;
    this.#look(recorded(ledger));
  }

  /** Until all that is asked for was looked at; `undefined`: it was. */
  get looking(): Promise<void> | undefined {
    return this.#busy ? this.#looking : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    for (const leave of this.#leave) leave();
    await this.#looking;
  }

  #look(devices: Iterable<string>): void {
    this.#asked.push(devices);
    if (this.#busy) return;
    this.#busy = true;
    this.#looking = this.#lookAtAll();
  }

  /** The first few at once: a single change is not put off. */
  async #lookAtAll(): Promise<void> {
    const { found, ledger, owes = () => true } = this.#options;
    for (let next = this.#asked.shift(); next !== undefined; next = this.#asked.shift()) {
      let seen = 0;
      let owed: string[] = [];
      for (const device of next) {
        if (this.#ended) return;
        if (ledger.concerns(device) && owes(device)) owed.push(device);
        if (++seen % atOnce !== 0) continue;
        if (owed.length > 0) found(owed);
        owed = [];
        await giveWay();
      }
      if (owed.length > 0) found(owed);
    }
    this.#busy = false;
  }
}

function* recorded(ledger: Recorded): Iterable<string> {
  for (const slice of ledger.slices()) yield* slice;
}

/** Ids of the devices among the keys. */
function devicesIn(keys: readonly string[]): readonly string[] {
  return keys.filter((key) => key.startsWith("device:")).map((key) => key.slice("device:".length));
}
