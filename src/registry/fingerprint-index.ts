/** Which devices have a fingerprint. Nearly always it is one, which a single read of a single value tells. */
import type { Database } from "lmdb";
import { type FingerprintHash, keyOfHash, nameOfHash } from "./fingerprint-hash.ts";
import type { LmdbFile } from "./lmdb-file.ts";

/** So many ids stand in one value; it would be written anew for every one more. */
const mostTogether = 8;
/** No id holds whitespace. */
const separator = "\n";
/** Says that the ids stand one by one elsewhere: once there were more than a few. */
const apart = separator;

/** Ids of a fingerprint, in order; `apart`: they stand one by one elsewhere. */
type Ids = readonly string[] | "apart";

/** A value that was put and cannot be read yet. */
interface Unread {
  text: string;
  /** Batches on their way that have put one. */
  batches: number;
}

/** Ids by fingerprint, in one value for each. There is one writer, whose changes are made in batches. */
export class FingerprintIndex {
  readonly #values: Database<Buffer, Buffer>;
  /** Reads do not see what a batch has put before it is written. */
  readonly #unread = new Map<string, Unread>();
  /** What the batch at work has put. */
  #touched = new Set<string>();
  /** Whether nothing was written since it was cleared. */
  #empty = false;

  constructor(root: LmdbFile) {
    this.#values = root.openDB({ name: "!fingerprints", encoding: "binary", keyEncoding: "binary" });
  }

  /** What is held under a fingerprint. */
  get(hash: FingerprintHash): Ids {
    const row = this.#values.getBinaryFast(keyOfHash(hash));
    return row === undefined ? [] : idsIn(row.toString("utf8", 0, row.length));
  }

  /** Adds an id. Returns those that are to be held one by one from now on; most often none. */
  add(hash: FingerprintHash, id: string): readonly string[] {
    const { apart, together } = merged(this.#current(hash), [id]);
    if (together !== undefined) this.#put(hash, together);
    return apart;
  }

  /** Removes an id. Returns whether it is held elsewhere, one by one. */
  remove(hash: FingerprintHash, id: string): boolean {
    const ids = this.#current(hash);
    if (ids === "apart") return true;
    if (ids.includes(id))
      this.#put(
        hash,
        ids.filter((each) => each !== id),
      );
    return false;
  }

  /**
   * Adds ids whose keys come in order, before anybody reads. What was added so before must be written. Returns those
   * that are to be held one by one.
   */
  append(hash: FingerprintHash, ids: readonly string[]): readonly string[] {
    const { apart, together } = merged(this.#empty ? [] : this.get(hash), ids);
    if (together !== undefined) this.#write(hash, textOf(together));
    return apart;
  }

  /** A batch ends: the returned function is called when it is written, or never will be. */
  endBatch(): () => void {
    const touched = this.#touched;
    if (touched.size === 0) return () => {};
    this.#touched = new Set();
    return () => {
      for (const name of touched) {
        const unread = this.#unread.get(name);
        // INVARIANT: what a later batch has put rests on this value, be it written or not: additions are never lost.
        if (unread !== undefined && --unread.batches === 0) this.#unread.delete(name);
      }
    };
  }

  /** The values of {@link append} are there to be read. */
  appended(): void {
    this.#empty = false;
  }

  /** Forgets everything. */
  async clear(): Promise<void> {
    await this.#values.clearAsync();
    this.#unread.clear();
    this.#empty = true;
  }

  #current(hash: FingerprintHash): Ids {
    const unread = this.#unread.get(nameOfHash(hash));
    return unread === undefined ? this.get(hash) : idsIn(unread.text);
  }

  #put(hash: FingerprintHash, ids: Ids): void {
    const text = textOf(ids);
    const name = nameOfHash(hash);
    const unread = this.#unread.get(name) ?? { text, batches: 0 };
    unread.text = text;
    if (!this.#touched.has(name)) unread.batches++;
    this.#touched.add(name);
    this.#unread.set(name, unread);
    this.#empty = false;
    this.#write(hash, text);
  }

  #write(hash: FingerprintHash, text: string): void {
    if (text === "") void this.#values.remove(keyOfHash(hash));
    else void this.#values.put(keyOfHash(hash), Buffer.from(text));
  }
}

/** What is held once `added` are there too: `together`, where that changes, and ids that are to be held one by one. */
function merged(
  held: Ids,
  added: readonly string[],
): { readonly together?: Ids; readonly apart: readonly string[] } {
  if (held === "apart") return { apart: added };
  const news = added.filter((id) => !held.includes(id));
  if (news.length === 0) return none;
  const ids = held.length === 0 && news.length === 1 ? news : [...new Set([...held, ...news])].sort();
  return ids.length <= mostTogether ? { together: ids, apart: [] } : { together: "apart", apart: ids };
}

const none = { apart: [] } as const;

function textOf(ids: Ids): string {
  return ids === "apart" ? apart : ids.join(separator);
}

function idsIn(text: string): Ids {
  if (text === apart) return "apart";
  if (text === "") return [];
  return text.includes(separator) ? text.split(separator) : [text];
}
