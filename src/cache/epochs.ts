/** Epochs: one counter per record that somebody's answer rests on. */

/** A counter that moves whenever its record changes. */
export interface Epoch {
  n: number;
  /** How many entries hold it; at zero it is forgotten. */
  holders: number;
}

/**
 * Epochs by record key. Bounded by the entries that hold them: an epoch exists only while a cached
 * subject rests on its record (an absent record has one too, so that its arrival is noticed).
 */
export class Epochs {
  readonly #cells = new Map<string, Epoch>();
  /** Moves with every change of anything that somebody holds: while it stands still, nothing has changed. */
  version = 0;
  /** Moves with everything: policy, configuration, a registry that was replaced. */
  everything = 0;

  /** The epoch of `key`, held once more. */
  hold(key: string): Epoch {
    let cell = this.#cells.get(key);
    if (cell === undefined) {
      cell = { n: 0, holders: 0 };
      this.#cells.set(key, cell);
    }
    cell.holders += 1;
    return cell;
  }

  /** Gives back what {@link hold} returned. */
  release(key: string, cell: Epoch): void {
    cell.holders -= 1;
    if (cell.holders === 0 && this.#cells.get(key) === cell) this.#cells.delete(key);
  }

  /** The record of `key` changed. */
  bump(key: string): void {
    const cell = this.#cells.get(key);
    if (cell === undefined) return;
    cell.n += 1;
    this.version += 1;
  }

  /** Everything may have changed. */
  bumpAll(): void {
    this.everything += 1;
    this.version += 1;
  }

  /** Number of records that cached subjects rest on. */
  get size(): number {
    return this.#cells.size;
  }
}
