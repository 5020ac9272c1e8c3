/** How old facts are: together, and those of some sources. The same for the writer of the store and for its readers. */
import type { Clock } from "../runtime/clock.ts";
import { type Missing, mayOwn, type SourceScope } from "./may-own.ts";
import { secondsSince } from "./source-status.ts";
import type { Freshness } from "./stored-record.ts";

/** A source with its age. */
export interface KnownSource extends SourceScope {
  /** When it was complete, milliseconds of this process's monotonic clock; it moves. */
  readonly age: { readonly asOfMs: number };
}

/** The sources of a moment. Asked with every question: what was found once is found at once. */
export class KnownSources {
  readonly #clock: Clock;
  #sources: ReadonlyMap<string, KnownSource> = new Map();
  /** Those on which anything rests. */
  #counting: readonly KnownSource["age"][] = [];
  #of = new WeakMap<readonly string[], readonly KnownSource["age"][]>();
  #lastNames: readonly string[] | undefined;
  #last: readonly KnownSource["age"][] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes other sources, or the same ones that may write or have something else now. */
  replace(sources: Iterable<KnownSource>): void {
    this.#sources = new Map([...sources].map((source) => [source.name, source] as const));
    const all = [...this.#sources.values()];
    // Nothing rests on a source without records, however long ago it was heard.
    this.#counting = all
      .filter(({ holds }) => all.length === 1 || holds.records || holds.reports)
      .map(({ age }) => age);
    this.#of = new WeakMap();
    this.#lastNames = undefined;
  }

  /** Seconds since a source was complete; `undefined`: there is none of this name. */
  ageS(name: string): number | undefined {
    const age = this.#sources.get(name)?.age;
    return age && secondsSince(this.#clock, age.asOfMs);
  }

  /** How fresh the oldest of these sources is; without names, the oldest of all. */
  freshness(synced: boolean, names: readonly string[] | undefined): Freshness {
    const now = this.#clock.now();
    if (!synced) return { synced, watermark: 0, ageS: now };
    let asOfMs = Number.POSITIVE_INFINITY;
    for (const age of this.#agesOf(names)) if (age.asOfMs < asOfMs) asOfMs = age.asOfMs;
    const ageS = secondsSince(this.#clock, asOfMs);
    return { synced, watermark: now - ageS, ageS };
  }

  /** Names of the sources that a record could have come from which is not there. */
  mayOwn(missing: Missing): readonly string[] {
    return mayOwn(this.#sources.values(), missing);
  }

  #agesOf(names: readonly string[] | undefined): readonly KnownSource["age"][] {
    if (names === undefined) return this.#counting;
    if (names === this.#lastNames) return this.#last;
    let ages = this.#of.get(names);
    if (ages === undefined) {
      ages = names.flatMap((name) => this.#sources.get(name)?.age ?? []);
      // Of a source that nobody knows here anything may be old.
      if (ages.length < names.length) ages = [...ages, ...this.#counting];
      this.#of.set(names, ages);
    }
    this.#lastNames = names;
    this.#last = ages;
    return ages;
  }
}
