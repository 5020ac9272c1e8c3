/**
 * Rows of a store that holds nothing yet. LMDB splits a full page in halves, so that rows in the order of their keys would
 * leave every page half empty; what is appended fills them. Most sources send devices in order, behind a few records of other
 * kinds whose keys come later: these wait.
 */
import type { RecordKey } from "../decision/facts.ts";
import type { LmdbFile } from "./lmdb-file.ts";
import type { StoredValue, Tombstone } from "./record-store.ts";
import { isMany } from "./stored-record.ts";
import { toRow } from "./stored-row.ts";

type Value = StoredValue | Tombstone | null;

/** lmdb's types know it of `putSync` alone. */
const appends = { append: true } as unknown as number;
const ascii = /^[\x20-\x7e]*$/;
/** No key in ASCII comes after it. */
const last = "\u007f";

/** Puts rows where they belong; all calls happen inside a batch of the caller. */
export class FirstRows {
  readonly #file: LmdbFile;
  readonly #waiting = new Map<RecordKey, Value>();
  /** No key in the file comes after it, but for those of databases and the state, which come before all. */
  #highest = "";

  constructor(file: LmdbFile) {
    this.#file = file;
  }

  put(key: RecordKey, value: Value): void {
    if (!isMany(key)) {
      this.#waiting.set(key, value);
      return;
    }
    const row = toRow(value);
    // INVARIANT: LMDB drops what is appended before the last key, in silence. Strings compare as its bytes do in ASCII alone.
    if (key <= this.#highest || !ascii.test(key)) {
      if (!ascii.test(key)) this.#highest = last;
      void this.#file.put(key, row);
      return;
    }
    this.#highest = key;
    void this.#file.put(key, row, appends);
  }

  /** A value that waits. */
  waiting(key: RecordKey): Value | undefined {
    return this.#waiting.get(key);
  }

  /** Whether anything waits. */
  get waits(): boolean {
    return this.#waiting.size > 0;
  }

  /** Puts what waits. */
  putWaiting(): void {
    for (const [key, value] of this.#waiting) void this.#file.put(key, toRow(value));
    this.#waiting.clear();
  }

  /** Nothing is there any more. */
  clear(): void {
    this.#waiting.clear();
    this.#highest = "";
  }
}
