/** How old the sources are, each and all together. */
import type { Clock } from "../runtime/clock.ts";
import type { StoreState } from "./record-store.ts";
import { SourceAge } from "./source-status.ts";
import type { Freshness } from "./stored-record.ts";
import { holdsAny } from "./tally.ts";

/** Ages of the sources that count: those of the store, fed or not. */
export class SourceAges {
  readonly #clock: Clock;
  readonly #ages = new Map<string, SourceAge>();
  /** Sources without whose first snapshot nothing is decided. */
  readonly #awaited = new Set<string>();

  constructor(clock: Clock, sources: StoreState["sources"]) {
    this.#clock = clock;
    for (const [name, { watermark }] of Object.entries(sources)) this.of(name).resume(watermark);
  }

  /** The age of one source, from now on one that counts. */
  of(name: string): SourceAge {
    let age = this.#ages.get(name);
    if (age === undefined) this.#ages.set(name, (age = new SourceAge(this.#clock)));
    return age;
  }

  /** Nothing is decided before the first snapshot of this source. */
  await(name: string): void {
    this.#awaited.add(name);
  }

  /** Seconds by which a source is behind; `undefined`: there is none of this name. */
  ageS(name: string): number | undefined {
    return this.#ages.get(name)?.ageS();
  }

  /** Seconds by which each source is behind. */
  all(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#ages].map(([name, age]) => [name, age.ageS()] as const));
  }

  [Symbol.iterator](): Iterator<[string, SourceAge]> {
    return this.#ages.entries();
  }

  /** The age of all: of the oldest source on which anything rests. */
  freshness(sources: StoreState["sources"]): Freshness {
    let synced = Object.keys(sources).length > 0;
    for (const name of this.#awaited) if (sources[name] === undefined) synced = false;
    let ageS = 0;
    for (const [name, age] of this.#ages) {
      const source = sources[name];
      // Nothing rests on a source without records, however long ago it was heard.
      if (source !== undefined && (this.#ages.size === 1 || holdsAny(source.counts)))
        ageS = Math.max(ageS, age.ageS());
    }
    const now = this.#clock.now();
    return synced ? { synced, watermark: now - ageS, ageS } : { synced, watermark: 0, ageS: now };
  }
}
