/** Secondary indexes in LMDB: terms to device ids, kept right through snapshots that are staged, put in force or dropped. */
import type { Database } from "lmdb";
import type { IndexTerm } from "./index-terms.ts";
import type { LmdbFile } from "./lmdb-file.ts";

const page = 512;
/** Added for a staged value: taken back where that is dropped. */
const added = "+";
/** Superseded by a staged value: removed once that is in its place. */
const dropped = "-";
/** No id holds whitespace. */
const separator = "\n";

/**
 * The key of a term. Fingerprints are long, and as many as devices: a hash stands for them, since what is found is
 * checked against the record anyway.
 */
function keyOf(term: IndexTerm): string {
  if (!term.startsWith(fingerprint)) return term;
  let [low, high] = [0x811c_9dc5, 0x9747_b28c];
  for (let index = fingerprint.length; index < term.length; index++) {
    const code = term.charCodeAt(index);
    low = Math.imul(low ^ code, 0x0100_0193);
    high = Math.imul(high ^ code, 0x85eb_ca6b);
    high ^= high >>> 13;
  }
  return `f${hex(low)}${hex(high)}`;
}

const fingerprint = "fingerprint:";
const hex = (value: number): string => (value >>> 0).toString(36).padStart(7, "0");

/**
 * An index holds every term of the values in force, and for a while some more: a reader checks what it finds against
 * the record. All writes happen inside a batch or transaction of the caller.
 */
export class LmdbIndex {
  readonly #terms: Database<string, string>;
  /** What is to be undone or finished: a sign, the term, a newline, the id. */
  readonly #notes: Database<true, string>;

  constructor(root: LmdbFile) {
    this.#terms = root.openDB({ name: "!index", dupSort: true, encoding: "ordered-binary" });
    this.#notes = root.openDB({ name: "!index-notes", encoding: "ordered-binary" });
  }

  /** Ids under `term` that really `has` it, in order behind `after`, at most `limit`. */
  find(
    term: IndexTerm,
    after: string | undefined,
    limit: number,
    has: (id: string) => boolean,
  ): readonly string[] {
    const key = keyOf(term);
    if (after === undefined && limit > 0) {
      // Most terms that are asked for have one id: a walk over values costs several times as much as both of these.
      const first = this.#terms.get(key);
      if (first === undefined) return [];
      if (this.#terms.getValuesCount(key) === 1) return has(first) ? [first] : [];
    }
    const found: string[] = [];
    for (let from = after; ; ) {
      const wanted = limit - found.length;
      const start = from === undefined ? {} : { start: `${from}\u0001` };
      const ids = [...this.#terms.getValues(key, { ...start, limit: wanted })];
      for (const id of ids) if (has(id)) found.push(id);
      from = ids.at(-1);
      if (ids.length < wanted || found.length >= limit) return found;
    }
  }

  /** Puts terms in force at once. */
  add(id: string, terms: readonly IndexTerm[]): void {
    for (const term of terms) void this.#terms.put(keyOf(term), id);
  }

  /** Takes terms out of force at once. */
  remove(id: string, terms: readonly IndexTerm[]): void {
    for (const term of terms) void this.#terms.remove(keyOf(term), id);
  }

  /** Notes what a staged value brings and supersedes. */
  stage(id: string, brings: readonly IndexTerm[], supersedes: readonly IndexTerm[]): void {
    this.add(id, brings);
    for (const term of brings) void this.#notes.put(added + term + separator + id, true);
    for (const term of supersedes) void this.#notes.put(dropped + term + separator + id, true);
  }

  /** The next notes, to be {@link settle}d; empty: all are. */
  notes(): readonly string[] {
    return [...this.#notes.getKeys({ limit: page })];
  }

  /** Does what a note says: `keep` is whether the staged values came into force, `has` whether a value in force has a term. */
  settle(note: string, keep: boolean, has: (id: string, term: IndexTerm) => boolean): void {
    const end = note.lastIndexOf(separator);
    const term = note.slice(1, end) as IndexTerm;
    const id = note.slice(end + 1);
    if (note.startsWith(keep ? dropped : added) && !has(id, term)) void this.#terms.remove(keyOf(term), id);
    void this.#notes.remove(note);
  }

  /** Forgets everything. */
  async clear(): Promise<void> {
    await this.#terms.clearAsync();
    await this.#notes.clearAsync();
  }
}
