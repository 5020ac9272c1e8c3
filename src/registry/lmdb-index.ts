/** Secondary indexes in LMDB: terms to device ids, kept right through snapshots that are staged, put in force or dropped. */
import type { Database } from "lmdb";
import { giveWay } from "../runtime/give-way.ts";
import type { IndexTerm } from "./index-terms.ts";
import { type LmdbFile, writeBatch } from "./lmdb-file.ts";
import { TermRun } from "./term-run.ts";

const page = 512;
/** Added for a staged value: taken back where that is dropped. */
const added = "+";
/** Superseded by a staged value: removed once that is in its place. */
const dropped = "-";
/** No id holds whitespace. */
const separator = "\n";

/**
 * The key of a fingerprint. They are long, and as many as devices: two hashes stand for them, since what is found is
 * checked against the record anyway. Keys order as the first one does.
 */
function hashedKey(term: IndexTerm): { readonly key: string; readonly order: number } {
  let [first, second] = [0x811c_9dc5, 0x9747_b28c];
  for (let index = fingerprint.length; index < term.length; index++) {
    const code = term.charCodeAt(index);
    first = Math.imul(first ^ code, 0x0100_0193);
    second = Math.imul(second ^ code, 0x85eb_ca6b);
    second ^= second >>> 13;
  }
  return { key: `f${digits(first)}${digits(second)}`, order: first >>> 0 };
}

function keyOf(term: IndexTerm): string {
  return term.startsWith(fingerprint) ? hashedKey(term).key : term;
}

const fingerprint = "fingerprint:";
const digits = (value: number): string => (value >>> 0).toString(36).padStart(7, "0");

/**
 * An index holds every term of the values in force, and for a while some more: a reader checks what it finds against
 * the record. All writes happen inside a batch or transaction of the caller.
 */
export class LmdbIndex {
  readonly #terms: Database<string, string>;
  /** What is to be undone or finished: a sign, the term, a newline, the id. */
  readonly #notes: Database<true, string>;

  readonly #root: LmdbFile;
  readonly #run = new TermRun();

  constructor(root: LmdbFile) {
    this.#root = root;
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

  /** Puts terms in force before anybody reads: those whose keys are in no order with {@link writeRun}. */
  collect(id: string, terms: readonly IndexTerm[]): void {
    for (const term of terms)
      if (term.startsWith(fingerprint)) {
        const { key, order } = hashedKey(term);
        this.#run.add(order, key, id);
      } else void this.#terms.put(term, id);
  }

  /** Whether enough is collected to be worth writing. */
  get due(): boolean {
    return this.#run.full;
  }

  /** Writes what is collected, in batches of its own. */
  async writeRun(): Promise<void> {
    const writing: Promise<void>[] = [];
    for (const entries of this.#run.take()) {
      const written = writeBatch(this.#root, () => {
        for (const [key, id] of entries) void this.#terms.put(key, id);
      });
      written.catch(() => undefined);
      writing.push(written);
      await giveWay();
    }
    await Promise.all(writing);
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
    this.#run.clear();
    await this.#terms.clearAsync();
    await this.#notes.clearAsync();
  }
}
