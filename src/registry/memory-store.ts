/** Records in memory only: for embedding, tests and small fleets that are fed anew at each start. */
import type { RecordKey, RecordKind } from "../decision/facts.ts";
import { deepFreeze } from "./deep-freeze.ts";
import { type IndexTerm, idsNamedBy, indexedOf, indexTerms, type SpiffeNaming } from "./index-terms.ts";
import {
  type Changes,
  emptyState,
  type RecordStore,
  recordIn,
  type StoredValue,
  type StoreState,
  type Tombstone,
  tombstoneIn,
} from "./record-store.ts";
import { unpacked } from "./stored-row.ts";

/** A {@link RecordStore} that forgets everything when it is closed. Records are frozen and shared. */
export class MemoryStore implements RecordStore {
  #state: StoreState = emptyState;
  readonly #records = new Map<RecordKey, StoredValue | Tombstone>();
  #sorted: { readonly revision: number; readonly keys: readonly RecordKey[] } | undefined;
  readonly #staged = new Map<RecordKey, StoredValue | Tombstone | null>();
  readonly #index = new Map<IndexTerm, Set<string>>();
  readonly #naming: SpiffeNaming;

  constructor(naming: SpiffeNaming) {
    this.#naming = naming;
  }

  get state(): StoreState {
    return this.#state;
  }

  get(key: RecordKey): StoredValue | undefined {
    return recordIn(this.#records.get(key));
  }

  tombstone(key: RecordKey): Tombstone | undefined {
    return tombstoneIn(this.#records.get(key));
  }

  held(key: RecordKey): StoredValue | Tombstone | undefined {
    return this.#records.get(key);
  }

  *keys(kind?: RecordKind): Iterable<RecordKey> {
    for (const key of this.#records.keys()) if (kind === undefined || key.startsWith(`${kind}:`)) yield key;
  }

  keysAfter(kind: RecordKind, after: string | undefined, limit: number): readonly RecordKey[] {
    if (this.#sorted === undefined || this.#sorted.revision !== this.#state.revision)
      this.#sorted = { revision: this.#state.revision, keys: [...this.#records.keys()].sort() };
    const { keys } = this.#sorted;
    const bound = after === undefined ? `${kind}:` : `${kind}:${after}\u0001`;
    let low = 0;
    for (let high = keys.length; low < high; ) {
      const middle = (low + high) >> 1;
      if ((keys[middle] as string) < bound) low = middle + 1;
      else high = middle;
    }
    return keys.slice(low, low + limit).filter((key) => key.startsWith(`${kind}:`));
  }

  deviceIdsBy(term: IndexTerm, after: string | undefined, limit: number): readonly string[] {
    const named = idsNamedBy(term, this.#naming, (id) => this.get(`device:${id}`)?.record);
    const ids = [...(named ?? this.#index.get(term) ?? [])].sort();
    return ids.filter((id) => after === undefined || id > after).slice(0, limit);
  }

  staged(key: RecordKey): StoredValue | Tombstone | null | undefined {
    return this.#staged.get(key);
  }

  async stage(changes: Changes): Promise<void> {
    for (const [key, value] of changes) this.#staged.set(key, frozen(value));
  }

  async endStaging(): Promise<void> {}

  async discard(): Promise<void> {
    this.#staged.clear();
  }

  flip(state: StoreState): void {
    for (const [key, value] of this.#staged) this.#set(key, value);
    this.#staged.clear();
    this.#state = state;
  }

  async fold(): Promise<void> {}

  async apply(changes: Changes, state: StoreState): Promise<void> {
    for (const [key, value] of changes) this.#set(key, frozen(value));
    this.#state = state;
  }

  releaseReaders(): void {}

  async saveState(state: StoreState): Promise<void> {
    this.#state = state;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#records.clear();
    this.#staged.clear();
    this.#index.clear();
  }

  #set(key: RecordKey, value: StoredValue | Tombstone | null): void {
    const id = key.slice("device:".length);
    for (const term of this.#terms(this.get(key))) {
      const ids = this.#index.get(term);
      ids?.delete(id);
      if (ids?.size === 0) this.#index.delete(term);
    }
    if (value === null) this.#records.delete(key);
    else this.#records.set(key, value);
    for (const term of this.#terms(this.get(key))) {
      const ids = this.#index.get(term);
      if (ids === undefined) this.#index.set(term, new Set([id]));
      else ids.add(id);
    }
  }

  #terms(value: StoredValue | undefined): readonly IndexTerm[] {
    return indexTerms(indexedOf(value?.record));
  }
}

function frozen<T extends StoredValue | Tombstone | null>(value: T): StoredValue | T {
  return deepFreeze(value === null || "gone" in value ? value : unpacked(value));
}
