/** What changed lately, so that an answer that took a while can be compared with what happened meanwhile. */
import type { RecordKey } from "../decision/facts.ts";

/** Positions of the last changes by record, bounded. A position is 1 for the first change of this process. */
export class RecentChanges {
  readonly #max: number;
  readonly #at = new Map<RecordKey, number>();
  #position = 0;
  /** Everything that began before this position must be taken as touched. */
  #blind = 0;

  constructor(maxRecords: number) {
    this.#max = maxRecords;
  }

  /** Position of the last change. */
  get position(): number {
    return this.#position;
  }

  /** Records a change of `keys`, or of everything; returns its position. */
  add(keys: readonly RecordKey[] | "everything"): number {
    this.#position += 1;
    if (keys === "everything" || keys.length > this.#max) {
      this.#blind = this.#position;
      this.#at.clear();
      return this.#position;
    }
    for (const key of keys) {
      this.#at.delete(key);
      this.#at.set(key, this.#position);
    }
    for (const [key, position] of this.#at) {
      if (this.#at.size <= this.#max) break;
      this.#blind = Math.max(this.#blind, position);
      this.#at.delete(key);
    }
    return this.#position;
  }

  /** Whether something that an answer rests on may have changed after position `since`. */
  touched(restsOn: readonly RecordKey[], since: number): boolean {
    if (since === this.#position) return false;
    if (since < this.#blind) return true;
    return restsOn.some((key) => (this.#at.get(key) ?? 0) > since);
  }
}
