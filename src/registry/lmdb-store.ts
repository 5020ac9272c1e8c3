/** Records in LMDB: read through the memory map, written by one process. The only owner of lmdb. */
import type { RecordKey, RecordKind } from "../decision/facts.ts";
import { Fault } from "../runtime/fault.ts";
import { FirstRows } from "./first-rows.ts";
import { moveTerms, stageTerms } from "./follow-terms.ts";
import {
  defaultSpiffeNaming,
  type Indexed,
  type IndexTerm,
  idsNamedBy,
  indexTerms,
  type SpiffeNaming,
} from "./index-terms.ts";
import { closeLmdbFile, eachKeyFrom, type LmdbFile, writeBatch, writeNow } from "./lmdb-file.ts";
import { LmdbIndex } from "./lmdb-index.ts";
import { openTakenOver } from "./old-rows.ts";
import {
  type Before,
  type Changes,
  emptyState,
  type RecordStore,
  recordIn,
  type StoredValue,
  type StoreState,
  type Tombstone,
  tombstoneIn,
} from "./record-store.ts";
import { layout, readState, writeState } from "./saved-state.ts";
import {
  fromRow,
  holdsTermInRow,
  indexedIn,
  indexedInRow,
  isNothing,
  sameHeads,
  toRow,
} from "./stored-row.ts";

const stateKey = "!state";
/** Keys of staged changes sort behind all record keys. */
const stagedPrefix = "~";
const devicePrefix = "device:";
const page = 512;

/** How a store is opened. */
export interface LmdbStoreOptions {
  readonly naming?: SpiffeNaming;
}

/** A {@link RecordStore} in `dir`. Throws `store_unavailable`. */
export class LmdbStore implements RecordStore {
  readonly #db: LmdbFile;
  readonly #index: LmdbIndex;
  readonly #naming: SpiffeNaming;
  readonly #first: FirstRows;
  #state: StoreState = emptyState;
  #folding = false;

  private constructor(db: LmdbFile, naming: SpiffeNaming) {
    this.#db = db;
    this.#naming = naming;
    this.#index = new LmdbIndex(db);
    this.#first = new FirstRows(db);
  }

  /** Opens or creates the store and ends what a crash interrupted. */
  static async open(
    dir: string,
    { naming = defaultSpiffeNaming }: LmdbStoreOptions = {},
  ): Promise<LmdbStore> {
    try {
      const file = await openTakenOver(dir);
      try {
        const store = new LmdbStore(file, naming);
        await store.#recover();
        return store;
      } catch (error) {
        await file.close();
        throw error;
      }
    } catch (error) {
      throw Fault.from(error, "store_unavailable", `cannot open the record store in \`${dir}\``);
    }
  }

  async #recover(): Promise<void> {
    this.#db.readerCheck();
    const bytes = this.#db.get(stateKey);
    if (bytes === undefined) return this.#empty();
    const saved = readState(bytes);
    this.#state = { revision: saved.revision, sources: saved.sources };
    this.#folding = saved.folding;
    if (saved.folding) await this.fold();
    else await this.discard();
    if (saved.format === layout && saved.naming === this.#naming.version) return;
    await this.#buildIndex();
    await this.#save(this.#state, false);
  }

  get state(): StoreState {
    return this.#state;
  }

  get(key: RecordKey): StoredValue | undefined {
    return recordIn(this.#value(key, false));
  }

  tombstone(key: RecordKey): Tombstone | undefined {
    return tombstoneIn(this.#value(key, false));
  }

  held(key: RecordKey): StoredValue | Tombstone | undefined {
    return this.#value(key, true);
  }

  #value(key: RecordKey, packed: boolean): StoredValue | Tombstone | undefined {
    const row = this.#row(key);
    return row === undefined ? undefined : (fromRow(key, row, row.length, packed) ?? undefined);
  }

  /** The row in force, valid until the next read. */
  #row(key: RecordKey): Buffer | undefined {
    // INVARIANT: before the first flip nothing is in force, whatever lies in the file.
    if (this.#state.revision === 0) return undefined;
    return (
      (this.#folding ? this.#db.getBinaryFast(stagedPrefix + key) : undefined) ?? this.#db.getBinaryFast(key)
    );
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

  deviceIdsBy(term: IndexTerm, after: string | undefined, limit: number): readonly string[] {
    if (this.#state.revision === 0) return [];
    const named = idsNamedBy(term, this.#naming, (id) => this.get(`device:${id}`)?.record);
    if (named !== undefined) return named.filter((id) => after === undefined || id > after);
    return this.#index.find(term, after, limit, (id) => this.#has(id, term));
  }

  staged(key: RecordKey): StoredValue | Tombstone | null | undefined {
    const waiting = this.#first.waiting(key);
    if (waiting !== undefined) return waiting;
    const row = this.#db.getBinaryFast(this.#stagedKey(key));
    return row === undefined ? undefined : fromRow(key, row, row.length);
  }

  async stage(changes: Changes): Promise<void> {
    const direct = this.#state.revision === 0 && !this.#folding;
    await this.#index.batch(() => {
      for (const [key, value] of changes) {
        if (key.startsWith(devicePrefix)) {
          const id = key.slice(devicePrefix.length);
          // The first snapshot goes straight to its place, where nobody reads before the flip.
          if (direct) this.#index.collect(id, indexTerms(indexedIn(value)));
          else stageTerms(this.#index, id, this.#indexed(key), indexedIn(value));
        }
        if (direct) this.#first.put(key, value);
        else void this.#db.put(this.#stagedKey(key), toRow(value));
      }
    });
    if (this.#index.due) await this.#index.writeRun();
  }

  async endStaging(): Promise<void> {
    await this.#index.writeRun();
    if (this.#first.waits) await writeBatch(this.#db, () => this.#first.putWaiting());
  }

  async discard(): Promise<void> {
    // INVARIANT: while folding, what is staged is in force.
    if (this.#folding) return;
    if (this.#state.revision === 0) return this.#empty();
    await this.#settleNotes(false);
    await eachKeyFrom(this.#db, stagedPrefix, (key) => void this.#db.remove(key));
  }

  flip(state: StoreState): void {
    const folding = this.#state.revision > 0;
    writeNow(this.#db, () => void this.#db.put(stateKey, this.#toSave(state, folding)));
    this.#state = state;
    this.#folding = folding;
  }

  async fold(): Promise<void> {
    if (!this.#folding) return;
    await eachKeyFrom(this.#db, stagedPrefix, (key) => {
      const place = key.slice(stagedPrefix.length);
      // Rows are moved as they are.
      const row = this.#db.get(key);
      if (row === undefined || isNothing(row)) void this.#db.remove(place);
      else void this.#db.put(place, row);
      void this.#db.remove(key);
    });
    await this.#settleNotes(true);
    await this.#save(this.#state, false);
    this.#folding = false;
  }

  async apply(changes: Changes, state: StoreState, before?: Before): Promise<void> {
    const write = (): void => {
      for (const [key, value] of changes) {
        if (key.startsWith(devicePrefix)) {
          const was = before?.has(key) === true ? before.get(key) : this.held(key);
          if (!sameHeads(was, value))
            moveTerms(this.#index, key.slice(devicePrefix.length), indexedIn(was), indexedIn(value));
        }
        if (value === null) void this.#db.remove(key);
        else void this.#db.put(key, toRow(value));
      }
      void this.#db.put(stateKey, this.#toSave(state, false));
    };
    await this.#index.batch(write);
    this.#state = state;
  }

  async saveState(state: StoreState): Promise<void> {
    await this.#save(state, this.#folding);
    this.#state = state;
  }

  releaseReaders(): void {
    this.#db.readerCheck();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await closeLmdbFile(this.#db);
  }

  /** What the indexes hold of a device in force. */
  #indexed(key: RecordKey): Indexed | undefined {
    const row = this.#row(key);
    return row === undefined ? undefined : indexedInRow(row, row.length);
  }

  #has(id: string, term: IndexTerm): boolean {
    const row = this.#row(`device:${id}`);
    return row !== undefined && holdsTermInRow(row, row.length, term);
  }

  #stagedKey(key: RecordKey): string {
    return this.#state.revision === 0 && !this.#folding ? key : stagedPrefix + key;
  }

  #toSave(state: StoreState, folding: boolean): Buffer {
    return writeState({ ...state, folding, naming: this.#naming.version });
  }

  async #save(state: StoreState, folding: boolean): Promise<void> {
    await writeBatch(this.#db, () => void this.#db.put(stateKey, this.#toSave(state, folding)));
  }

  /** Nothing is in force: nothing that lies in the file is needed. */
  async #empty(): Promise<void> {
    this.#first.clear();
    await this.#index.clear();
    await eachKeyFrom(this.#db, "a", (key) => void this.#db.remove(key));
  }

  async #buildIndex(): Promise<void> {
    await this.#index.clear();
    for (let after: string | undefined; ; ) {
      const keys = this.keysAfter("device", after, page);
      const last = keys.at(-1);
      if (last === undefined) return this.#index.writeRun();
      await writeBatch(this.#db, () => {
        for (const key of keys)
          this.#index.collect(key.slice(devicePrefix.length), indexTerms(this.#indexed(key)));
      });
      if (this.#index.due) await this.#index.writeRun();
      after = last.slice(devicePrefix.length);
    }
  }

  async #settleNotes(keep: boolean): Promise<void> {
    for (let notes = this.#index.notes(); notes.length > 0; notes = this.#index.notes()) {
      const page = notes;
      await this.#index.batch(() => {
        for (const note of page) this.#index.settle(note, keep, (id, term) => this.#has(id, term));
      });
    }
  }
}
