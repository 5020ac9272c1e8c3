/** Secondary indexes in LMDB: terms to device ids, kept right through snapshots that are staged, put in force or dropped. */
import type { Database } from "lmdb";
import { giveWay } from "../runtime/give-way.ts";
import { type FingerprintHash, hashOf, nameOfHash } from "./fingerprint-hash.ts";
import { FingerprintIndex } from "./fingerprint-index.ts";
import type { IndexTerm } from "./index-terms.ts";
import { type LmdbFile, writeBatch } from "./lmdb-file.ts";
import { type TermEntry, TermRun } from "./term-run.ts";

const page = 512;
/** Added for a staged value: taken back where that is dropped. */
const added = "+";
/** Superseded by a staged value: removed once that is in its place. */
const dropped = "-";
/** No id holds whitespace. */
const separator = "\n";

const fingerprint = "fingerprint:";

/** The hashes of a fingerprint; `undefined`: the term is none. */
function hashIn(term: IndexTerm): FingerprintHash | undefined {
  return term.startsWith(fingerprint) ? hashOf(term, fingerprint.length) : undefined;
}

/**
 * An index holds every term of the values in force, and for a while some more: a reader checks what it finds against
 * the record. All writes happen inside a batch or transaction of the caller.
 */
export class LmdbIndex {
  /** Fingerprints, of which most have one id. */
  readonly #fingerprints: FingerprintIndex;
  /** All other terms, and fingerprints of many devices: each id a value of its own. */
  readonly #terms: Database<string, string>;
  /** What is to be undone or finished: a sign, the term, a newline, the id. */
  readonly #notes: Database<true, string>;

  readonly #root: LmdbFile;
  readonly #run = new TermRun();
  /** The run that is being written. */
  #writing: Promise<void> = Promise.resolve();

  constructor(root: LmdbFile) {
    this.#root = root;
    this.#fingerprints = new FingerprintIndex(root);
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
    const hash = hashIn(term);
    if (hash === undefined) return this.#walk(term, after, limit, has);
    const ids = this.#fingerprints.get(hash);
    if (ids === "apart") return this.#walk(nameOfHash(hash), after, limit, has);
    const found = ids.filter((id) => (after === undefined || id > after) && has(id));
    return found.length > limit ? found.slice(0, limit) : found;
  }

  #walk(
    key: string,
    after: string | undefined,
    limit: number,
    has: (id: string) => boolean,
  ): readonly string[] {
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

  /** A batch in which terms may be added and removed. */
  async batch(action: () => void): Promise<void> {
    const written = writeBatch(this.#root, action);
    const end = this.#fingerprints.endBatch();
    try {
      await written;
    } finally {
      end();
    }
  }

  /** Puts terms in force at once. */
  add(id: string, terms: readonly IndexTerm[]): void {
    for (const term of terms) {
      const hash = hashIn(term);
      if (hash === undefined) void this.#terms.put(term, id);
      else this.#putApart(hash, this.#fingerprints.add(hash, id));
    }
  }

  /** Puts terms in force before anybody reads: those whose keys are in no order with {@link writeRun}. */
  collect(id: string, terms: readonly IndexTerm[]): void {
    for (const term of terms) {
      const hash = hashIn(term);
      if (hash === undefined) void this.#terms.put(term, id);
      else this.#run.add({ first: hash.first, second: hash.second, id });
    }
  }

  /** Whether enough is collected to be worth writing. */
  get due(): boolean {
    return this.#run.full;
  }

  /** Writes what is collected, in batches of its own, after what was collected before. */
  async writeRun(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#writeSlices());
    // A failure is told by whoever waits.
    this.#writing.catch(() => undefined);
    await this.#writing;
  }

  async #writeSlices(): Promise<void> {
    const writing: Promise<void>[] = [];
    for (const entries of this.#run.take()) {
      const written = writeBatch(this.#root, () => {
        for (let at = 0; at < entries.length; ) {
          const [hash, ids, next] = groupAt(entries, at);
          this.#putApart(hash, this.#fingerprints.append(hash, ids));
          at = next;
        }
      });
      written.catch(() => undefined);
      writing.push(written);
      await giveWay();
    }
    await Promise.all(writing);
    this.#fingerprints.appended();
  }

  /** Takes terms out of force at once. */
  remove(id: string, terms: readonly IndexTerm[]): void {
    for (const term of terms) this.#remove(id, term);
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
    if (note.startsWith(keep ? dropped : added) && !has(id, term)) this.#remove(id, term);
    void this.#notes.remove(note);
  }

  /** Forgets everything. */
  async clear(): Promise<void> {
    this.#run.clear();
    this.#writing = Promise.resolve();
    await this.#fingerprints.clear();
    await this.#terms.clearAsync();
    await this.#notes.clearAsync();
  }

  #remove(id: string, term: IndexTerm): void {
    const hash = hashIn(term);
    if (hash === undefined) void this.#terms.remove(term, id);
    else if (this.#fingerprints.remove(hash, id)) void this.#terms.remove(nameOfHash(hash), id);
  }

  #putApart(hash: FingerprintHash, ids: readonly string[]): void {
    for (const id of ids) void this.#terms.put(nameOfHash(hash), id);
  }
}

/** Entries of one fingerprint, and where the next begins. */
function groupAt(
  entries: readonly TermEntry[],
  from: number,
): readonly [hash: FingerprintHash, ids: readonly string[], next: number] {
  const hash = entries[from] as TermEntry;
  const ids = [hash.id];
  let next = from + 1;
  for (; next < entries.length; next++) {
    const each = entries[next] as TermEntry;
    if (each.first !== hash.first || each.second !== hash.second) break;
    ids.push(each.id);
  }
  return [hash, ids, next];
}
