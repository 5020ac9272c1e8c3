/** Records in memory only: for embedding, tests and small fleets that are fed anew at each start. */
import type { RecordKey, RecordKind } from "../decision/facts.ts";
import { deepFreeze } from "./deep-freeze.ts";
import {
  type Changes,
  emptyState,
  type RecordStore,
  type StoredValue,
  type StoreState,
  type Tombstone,
} from "./record-store.ts";

/** A {@link RecordStore} that forgets everything when it is closed. Records are frozen and shared. */
export class MemoryStore implements RecordStore {
  #state: StoreState = emptyState;
  readonly #records = new Map<RecordKey, StoredValue | Tombstone>();
  #sorted: { readonly revision: number; readonly keys: readonly RecordKey[] } | undefined;
  readonly #staged = new Map<RecordKey, StoredValue | Tombstone | null>();

  get state(): StoreState {
    return this.#state;
  }

  get(key: RecordKey): StoredValue | undefined {
    const value = this.#records.get(key);
    return value === undefined || "gone" in value ? undefined : value;
  }

  tombstone(key: RecordKey): Tombstone | undefined {
    const value = this.#records.get(key);
    return value !== undefined && "gone" in value ? value : undefined;
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

  staged(key: RecordKey): StoredValue | Tombstone | null | undefined {
    return this.#staged.get(key);
  }

  async stage(changes: Changes): Promise<void> {
    for (const [key, value] of changes) this.#staged.set(key, deepFreeze(value));
  }

  async discard(): Promise<void> {
    this.#staged.clear();
  }

  flip(state: StoreState): void {
    for (const [key, value] of this.#staged) {
      if (value === null) this.#records.delete(key);
      else this.#records.set(key, value);
    }
    this.#staged.clear();
    this.#state = state;
  }

  async fold(): Promise<void> {}

  async saveState(state: StoreState): Promise<void> {
    this.#state = state;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#records.clear();
    this.#staged.clear();
  }
}
