/**
 * Index entries whose keys come in no order, collected and given back in order: written one by one, each would cost
 * a page of the file; in order, a page takes many at once.
 */
import type { FingerprintHash } from "./fingerprint-hash.ts";

/** A fingerprint and a device that has it. */
export interface TermEntry extends FingerprintHash {
  readonly id: string;
}

/** Entries that are collected: enough that each page of the index of a large fleet takes several. */
const enough = 65_536;
const slices = 64;
const sliceShift = 26;

/** Collects entries by the 32-bit number that their keys begin with, and order by. */
export class TermRun {
  #slices: TermEntry[][] = [];
  #size = 0;

  /** Whether it is worth writing. */
  get full(): boolean {
    return this.#size >= enough;
  }

  add(entry: TermEntry): void {
    const index = entry.first >>> sliceShift;
    const slice = this.#slices[index];
    if (slice === undefined) this.#slices[index] = [entry];
    else slice.push(entry);
    this.#size++;
  }

  /** What was collected: slices in order, and entries in order in each. It is empty then. */
  *take(): Generator<readonly TermEntry[]> {
    const taken = this.#slices;
    this.clear();
    for (let index = 0; index < slices; index++) {
      const slice = taken[index];
      if (slice !== undefined) yield slice.sort((a, b) => a.first - b.first || a.second - b.second);
    }
  }

  clear(): void {
    this.#slices = [];
    this.#size = 0;
  }
}
