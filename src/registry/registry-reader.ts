/** The registry as a process reads it that does not write it: the same file, by memory map. */

import { open } from "lmdb";
import type { Change } from "../decision/change.ts";
import type {
  DeviceRecord,
  FirmwarePolicyRecord,
  RecordKey,
  ReleaseRecord,
  RolloutRecord,
  ServiceRecord,
  TenantRecord,
} from "../decision/facts.ts";
import { isSafeId } from "../decision/ids.ts";
import type { ReportRecord } from "../decision/report.ts";
import type { Clock } from "../runtime/clock.ts";
import { Fault } from "../runtime/fault.ts";
import { FewRecords, fewKinds } from "./few-records.ts";
import { type KnownSource, KnownSources } from "./known-sources.ts";
import { type LmdbFile, lmdbOptions, lmdbPath } from "./lmdb-file.ts";
import type { Missing } from "./may-own.ts";
import type { StoredValue, Tombstone } from "./record-store.ts";
import {
  type Freshness,
  isMany,
  type RecordReader,
  type ReportReader,
  type StoredRecord,
} from "./stored-record.ts";
import { fromRow } from "./stored-row.ts";
import { toStored } from "./to-stored.ts";

/** How fresh the writer's facts are. */
export interface Told {
  readonly revision: number;
  readonly synced: boolean;
  /** The sources, with ages by this process's monotonic clock. */
  readonly sources: readonly KnownSource[];
}

const stagedPrefix = "~";

/** Reads what is in force. What it was not {@link told} to be in force does not exist. */
export class RegistryReader implements RecordReader, ReportReader, AsyncDisposable {
  readonly #db: LmdbFile;
  readonly #few = new FewRecords();
  /** Whether anybody ever said something of another's device. */
  #reported = false;
  /**
   * Whether what is staged may be in force. Not: a snapshot comes into force only by a flip, which is told.
   * So most reads are of one row, not of two.
   */
  #mayFold = true;
  readonly #sources: KnownSources;
  #told: Told = { revision: 0, synced: false, sources: [] };

  /** Opens the store of a registry that is there. Throws `store_unavailable`. */
  constructor(dir: string, clock: Clock) {
    this.#sources = new KnownSources(clock);
    try {
      this.#db = open<Buffer, string>({ path: lmdbPath(dir), ...lmdbOptions, readOnly: true });
    } catch (thrown) {
      throw Fault.from(thrown, "store_unavailable", `cannot read the record store in \`${dir}\``);
    }
  }

  /** What the writer says now. Never older facts than before. */
  told(now: Told): void {
    this.#told = now;
    this.#sources.replace(now.sources);
  }

  /** What the writer has changed is in force here when this returns. */
  apply(change: Change, now: Told): void {
    this.told(now);
    // INVARIANT: a busy reader keeps its read transaction, and so the state before the commit, until it is reset.
    this.#db.resetReadTxn();
    this.#mayFold = this.#folding;
    if (change.scope === "everything") this.#reload();
    else
      for (const key of change.keys)
        if (!isMany(key)) this.#remember(key);
        else if (key.startsWith("report:")) this.#reported = true;
  }

  get revision(): number {
    return this.#told.revision;
  }

  device(id: string): StoredRecord<DeviceRecord> | undefined {
    if (!isSafeId(id)) return undefined;
    const key: RecordKey = `device:${id}`;
    return toStored<DeviceRecord>(key, this.#value(key));
  }

  report(origin: ReportRecord["origin"], device: string): StoredRecord<ReportRecord> | undefined {
    if (!this.#reported || !isSafeId(device)) return undefined;
    const key: RecordKey = `report:${origin}/${device}`;
    return toStored<ReportRecord>(key, this.#value(key));
  }

  tenant(id: string): StoredRecord<TenantRecord> | undefined {
    return this.#few.tenant(id);
  }
  firmwarePolicy(tenant: string, deviceClass: string): StoredRecord<FirmwarePolicyRecord> | undefined {
    return this.#few.firmwarePolicy(tenant, deviceClass);
  }
  release(id: string): StoredRecord<ReleaseRecord> | undefined {
    return this.#few.release(id);
  }
  rollout(id: string): StoredRecord<RolloutRecord> | undefined {
    return this.#few.rollout(id);
  }
  service(id: string): StoredRecord<ServiceRecord> | undefined {
    return this.#few.service(id);
  }
  releaseIds(): readonly string[] {
    return this.#few.releaseIds();
  }

  deviceIdsAfter(after: string | undefined, limit: number): readonly string[] {
    if (this.#told.revision === 0) return [];
    const start = after === undefined ? "device:" : `device:${after}\u0001`;
    const keys = [...this.#db.getKeys({ start, end: "device;", limit })];
    return keys.map((key) => key.slice("device:".length));
  }

  freshness(sources?: readonly string[]): Freshness {
    return this.#sources.freshness(this.#told.synced, sources);
  }

  mayOwn(missing: Missing): readonly string[] {
    return this.#sources.mayOwn(missing);
  }

  sourceAgeS(source: string): number | undefined {
    return this.#sources.ageS(source);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#db.close();
  }

  #value(key: RecordKey): StoredValue | undefined {
    if (this.#told.revision === 0) return undefined;
    // INVARIANT: all three reads are of one turn, and so of one read transaction.
    const staged = this.#mayFold ? this.#read(key, stagedPrefix + key) : undefined;
    const value = staged !== undefined && this.#folding ? staged : this.#read(key, key);
    return value === undefined || value === null || "gone" in value ? undefined : value;
  }

  #read(key: RecordKey, place: string): StoredValue | Tombstone | null | undefined {
    const row = this.#db.getBinaryFast(place);
    return row === undefined ? undefined : fromRow(key, row, row.length);
  }

  /** Whether what is staged is in force, and only not in its place yet. */
  get #folding(): boolean {
    const state = this.#db.get("!state");
    return state !== undefined && (JSON.parse(state.toString()) as { folding: boolean }).folding;
  }

  #reload(): void {
    this.#few.clear();
    this.#reported = false;
    for (const prefix of ["", stagedPrefix]) {
      for (const kind of fewKinds)
        for (const key of this.#keysOf(prefix + kind)) this.#remember(key.slice(prefix.length) as RecordKey);
      for (const _ of this.#keysOf(`${prefix}report`, 1)) this.#reported = true;
    }
  }

  #keysOf(kind: string, limit?: number): Iterable<string> {
    const range = { start: `${kind}:`, end: `${kind};` };
    return this.#db.getKeys(limit === undefined ? range : { ...range, limit });
  }

  #remember(key: RecordKey): void {
    this.#few.remember(key, this.#value(key));
  }
}
