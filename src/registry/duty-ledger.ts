/** What the service itself must remember about devices: spent claims, and trust that was lost. */
import { mkdir } from "node:fs/promises";
import { type Database, open, type RootDatabase } from "lmdb";
import type { Change } from "../decision/change.ts";
import type { RecordKey } from "../decision/facts.ts";
import { Fault } from "../runtime/fault.ts";

interface SpentClaim {
  readonly device: string;
}

/** How a ledger is opened. */
export interface DutyLedgerOptions {
  /** Devices whose record lists the claim: it is spent for each of them. Default: nobody else's. */
  readonly holders?: (fingerprint: string) => readonly string[];
}

/** Devices that are read at once. */
const slice = 256;

/**
 * A durable ledger beside the records: no snapshot of a source touches it. Both duties are compare-and-set in
 * one transaction, on disk before they resolve.
 */
export class DutyLedger implements AsyncDisposable {
  readonly #root: RootDatabase;
  readonly #claims: Database<SpentClaim, string>;
  readonly #reentry: Database<number, string>;
  /** Devices that a spent claim concerns. */
  readonly #spenders: Database<number, string>;
  readonly #holders: (fingerprint: string) => readonly string[];
  readonly #listeners = new Set<(change: Change) => unknown>();
  #revision = 0;

  private constructor(root: RootDatabase, { holders = () => [] }: DutyLedgerOptions) {
    this.#root = root;
    this.#holders = holders;
    this.#claims = root.openDB({ name: "claims" });
    this.#reentry = root.openDB({ name: "reentry" });
    this.#spenders = root.openDB({ name: "spenders" });
    // An earlier release has not written them.
    if (first(this.#spenders) === undefined && first(this.#claims) !== undefined)
      root.transactionSync(() => {
        for (const { value } of this.#claims.getRange()) this.#spenders.putSync(value.device, 1);
      });
  }

  /** Opens the ledger in a folder, made when absent. Throws `store_unavailable`. */
  static async open(dir: string, options: DutyLedgerOptions = {}): Promise<DutyLedger> {
    try {
      await mkdir(dir, { recursive: true });
      const root = open({ path: dir, name: "duties", maxDbs: 4, overlappingSync: false });
      const ledger = new DutyLedger(root, options);
      ledger.releaseReaders();
      return ledger;
    } catch (thrown) {
      throw Fault.from(thrown, "store_unavailable", `ledger \`${dir}\` cannot be opened`);
    }
  }

  /**
   * Calls `listener` when a mark changes what a device's record says; a mark is made when all are done. Returns how
   * to stop.
   */
  onChange(listener: (change: Change) => unknown): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Marks a single-use claim as spent; `false` if it was spent before. Throws `store_unavailable`. */
  async spendClaim(fingerprint: string, deviceId: string): Promise<boolean> {
    let spent: boolean;
    const concerned = new Set([deviceId, ...this.#holders(fingerprint)]);
    try {
      spent = this.#root.transactionSync(() => {
        if (this.#claims.doesExist(fingerprint)) return false;
        this.#claims.putSync(fingerprint, { device: deviceId });
        for (const device of concerned) this.#spenders.putSync(device, 1);
        return true;
      });
    } catch (thrown) {
      throw Fault.from(thrown, "store_unavailable", "a claim could not be marked as spent");
    }
    if (spent) await this.#announce(concerned);
    return spent;
  }

  /** Whether a claim was spent here. */
  isSpent(fingerprint: string): boolean {
    return this.#claims.doesExist(fingerprint);
  }

  /** Requires evidence newer than `since` (unix seconds) of a device; an earlier mark is never lowered. Throws `store_unavailable`. */
  async markReentry(deviceId: string, since: number): Promise<void> {
    await this.markReentries(new Map([[deviceId, since]]));
  }

  /** The same for many devices. Throws `store_unavailable`. */
  async markReentries(marks: ReadonlyMap<string, number>): Promise<void> {
    try {
      this.#root.transactionSync(() => {
        for (const [device, since] of marks)
          if (since > (this.#reentry.get(device) ?? 0)) this.#reentry.putSync(device, since);
      });
    } catch (thrown) {
      throw Fault.from(thrown, "store_unavailable", "losses of trust could not be recorded");
    }
    await this.#announce(marks.keys());
  }

  /** Frees what reader processes that were killed hold on to. */
  releaseReaders(): void {
    this.#root.readerCheck();
  }

  /** Every claim that was spent, with the device that did. */
  *claims(): Iterable<readonly [string, string]> {
    for (const { key, value } of this.#claims.getRange()) yield [key, value.device];
  }

  /** Every loss of trust that was recorded. */
  *reentries(): Iterable<readonly [string, number]> {
    for (const { key, value } of this.#reentry.getRange()) yield [key, value];
  }

  /** Whether anything is recorded of a device. */
  concerns(deviceId: string): boolean {
    return this.#reentry.doesExist(deviceId) || this.#spenders.doesExist(deviceId);
  }

  /** All devices of which something is recorded, some at a time; one may come twice. */
  *slices(): Iterable<readonly string[]> {
    for (const devices of [this.#reentry, this.#spenders])
      for (let start: string | undefined; ; ) {
        const from = start === undefined ? {} : { start, exclusiveStart: true };
        const keys = [...devices.getKeys({ ...from, limit: slice })];
        yield keys;
        if (keys.length < slice) break;
        start = keys.at(-1);
      }
  }

  /** Time of the last loss of trust that was recorded here; 0: none. */
  reentrySince(deviceId: string): number {
    return this.#reentry.get(deviceId) ?? 0;
  }

  async #announce(deviceIds: Iterable<string>): Promise<void> {
    this.#root.resetReadTxn();
    this.#revision += 1;
    const keys = [...deviceIds].map((id): RecordKey => `device:${id}`);
    const change: Change = { scope: "records", revision: this.#revision, keys };
    await Promise.all([...this.#listeners].map((listener) => listener(change)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#root.close();
  }
}

function first<V>(of: Database<V, string>): string | undefined {
  for (const key of of.getKeys({ limit: 1 })) return key;
  return undefined;
}
