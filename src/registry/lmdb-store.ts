/** Records in LMDB: read through the memory map, written by one process. The only owner of lmdb. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { open, type RootDatabase } from "lmdb";
import type { CredentialRecord, DeviceRecord, RecordKey, RecordKind } from "../decision/facts.ts";
import { Fault } from "../runtime/fault.ts";
import { checkLmdbFile } from "./check-lmdb-file.ts";
import {
  type Changes,
  emptyState,
  type RecordStore,
  type SourceState,
  type StoredValue,
  type StoreState,
  type Tombstone,
} from "./record-store.ts";
import type { AnyRecord } from "./stored-record.ts";

/** Layout of the file; a store of another layout is emptied, its sources fill it again. */
const format = 1;
const stateKey = "!state";
/** Keys of staged changes sort behind all record keys. */
const stagedPrefix = "~";
const page = 512;

interface SavedState {
  readonly format: number;
  readonly revision: number;
  readonly sources: Readonly<Record<string, SourceState>>;
  /** Staged changes are in force and not all folded into their places yet. */
  readonly folding: boolean;
}

/**
 * `[revision, source, record]` or `[revision, source, null, reason]`, with the version as a fifth member; a tombstone
 * has neither record nor reason.
 */
type Row = readonly [number, string, AnyRecord | null, (string | null)?, number?];

/** A {@link RecordStore} in `dir`. Throws `store_unavailable`. */
export class LmdbStore implements RecordStore {
  readonly #db: RootDatabase<unknown, string>;
  #state: StoreState = emptyState;
  #folding = false;

  private constructor(db: RootDatabase<unknown, string>) {
    this.#db = db;
  }

  /** Opens or creates the store and ends what a crash interrupted. */
  static async open(dir: string): Promise<LmdbStore> {
    try {
      mkdirSync(dir, { recursive: true });
      const path = join(dir, "records.lmdb");
      checkLmdbFile(path);
      const store = new LmdbStore(
        open<unknown, string>({ path, sharedStructuresKey: Symbol.for("structures") }),
      );
      await store.#recover();
      return store;
    } catch (error) {
      throw Fault.from(error, "store_unavailable", `cannot open the record store in \`${dir}\``);
    }
  }

  async #recover(): Promise<void> {
    this.#db.readerCheck();
    const saved = this.#db.get(stateKey) as SavedState | undefined;
    if (saved?.format !== format) {
      await this.#db.clearAsync();
      return;
    }
    this.#state = { revision: saved.revision, sources: saved.sources };
    this.#folding = saved.folding;
    if (saved.folding) await this.fold();
    else await this.discard();
  }

  get state(): StoreState {
    return this.#state;
  }

  get(key: RecordKey): StoredValue | undefined {
    const value = this.#value(key);
    return value === undefined || "gone" in value ? undefined : value;
  }

  tombstone(key: RecordKey): Tombstone | undefined {
    const value = this.#value(key);
    return value !== undefined && "gone" in value ? value : undefined;
  }

  #value(key: RecordKey): StoredValue | Tombstone | undefined {
    // INVARIANT: before the first flip nothing is in force, whatever lies in the file.
    if (this.#state.revision === 0) return undefined;
    if (this.#folding) {
      const staged = this.staged(key);
      if (staged !== undefined) return staged ?? undefined;
    }
    const row = this.#db.get(key) as Row | undefined;
    return row === undefined ? undefined : fromRow(row);
  }

  *keys(kind?: RecordKind): Iterable<RecordKey> {
    if (this.#state.revision === 0) return;
    const end = kind === undefined ? stagedPrefix : `${kind};`;
    let start = kind === undefined ? "a" : `${kind}:`;
    for (;;) {
      const keys = [...this.#db.getKeys({ start, end, limit: page })];
      yield* keys as RecordKey[];
      if (keys.length < page) return;
      start = `${keys[keys.length - 1]}\u0001`;
    }
  }

  keysAfter(kind: RecordKind, after: string | undefined, limit: number): readonly RecordKey[] {
    if (this.#state.revision === 0) return [];
    const start = after === undefined ? `${kind}:` : `${kind}:${after}\u0001`;
    return [...this.#db.getKeys({ start, end: `${kind};`, limit })] as RecordKey[];
  }

  staged(key: RecordKey): StoredValue | Tombstone | null | undefined {
    const row = this.#db.get(this.#stagedKey(key)) as Row | null | undefined;
    return row == null ? row : fromRow(row);
  }

  async stage(changes: Changes): Promise<void> {
    await this.#write(() => {
      for (const [key, value] of changes) void this.#db.put(this.#stagedKey(key), value && toRow(value));
    });
  }

  async discard(): Promise<void> {
    // INVARIANT: while folding, what is staged is in force.
    if (this.#folding) return;
    if (this.#state.revision === 0) await this.#db.clearAsync();
    else await this.#eachStaged((key) => void this.#db.remove(key));
  }

  flip(state: StoreState): void {
    const folding = this.#state.revision > 0;
    try {
      this.#db.transactionSync(() => void this.#db.put(stateKey, { format, ...state, folding }));
    } catch (error) {
      throw Fault.from(error, "store_unavailable", "cannot put a snapshot in force");
    }
    this.#db.resetReadTxn();
    this.#state = state;
    this.#folding = folding;
  }

  async fold(): Promise<void> {
    if (!this.#folding) return;
    await this.#eachStaged((key, row) => {
      const place = key.slice(stagedPrefix.length);
      if (row === null) void this.#db.remove(place);
      else void this.#db.put(place, row);
      void this.#db.remove(key);
    });
    await this.#save(this.#state, false);
    this.#folding = false;
  }

  async saveState(state: StoreState): Promise<void> {
    await this.#save(state, this.#folding);
    this.#state = state;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#db.close();
  }

  /** The first snapshot goes straight to its place, where nobody reads before the flip. */
  #stagedKey(key: RecordKey): string {
    return this.#state.revision === 0 && !this.#folding ? key : stagedPrefix + key;
  }

  async #save(state: StoreState, folding: boolean): Promise<void> {
    await this.#write(() => void this.#db.put(stateKey, { format, ...state, folding }));
  }

  async #eachStaged(visit: (key: string, row: unknown) => void): Promise<void> {
    for (;;) {
      const entries = [...this.#db.getRange({ start: stagedPrefix, limit: page })];
      if (entries.length === 0) return;
      await this.#write(() => {
        for (const { key, value } of entries) visit(key, value);
      });
    }
  }

  /** One atomic, durable batch, written beside the event loop (`transaction()` of lmdb 3.5 never ends here). */
  async #write(action: () => void): Promise<void> {
    try {
      await this.#db.batch(action);
    } catch (error) {
      throw Fault.from(error, "store_unavailable", "cannot write the record store");
    }
    this.#db.resetReadTxn();
  }
}

/**
 * Credentials become pairs: as members their names would be a new shared structure per device. They come
 * back without a prototype, which is faster for names that all differ, and `constructor` names none of them.
 */
function toRow(value: StoredValue | Tombstone): Row {
  if ("gone" in value) return [0, value.source, null, null, value.version];
  const { invalid, record, revision, source, version } = value;
  const tail: readonly [string | null, number] | readonly [] = version === undefined ? [] : [null, version];
  if (record === undefined)
    return version === undefined
      ? [revision, source, null, invalid]
      : [revision, source, null, invalid, version];
  if (!("credentials" in record)) return [revision, source, record, ...tail];
  const pairs = Object.entries(record.credentials);
  return [revision, source, { ...record, credentials: pairs } as unknown as AnyRecord, ...tail];
}

function fromRow([revision, source, record, invalid, version]: Row): StoredValue | Tombstone {
  const origin = version === undefined ? { revision, source } : { revision, source, version };
  if (record === null) {
    if (invalid === null) return { gone: true, source, version: version ?? 0 };
    return { ...origin, invalid: invalid ?? "unreadable" };
  }
  if (!("credentials" in record)) return { ...origin, record };
  const pairs = record.credentials as unknown as [string, CredentialRecord][];
  const credentials: Record<string, CredentialRecord> = Object.create(null) as Record<string, never>;
  for (const [name, value] of pairs) credentials[name] = value;
  (record as { credentials: DeviceRecord["credentials"] }).credentials = credentials;
  return { ...origin, record };
}
