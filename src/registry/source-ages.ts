/** How old the sources are, each and all together, for the process that feeds them. */
import type { Clock } from "../runtime/clock.ts";
import { type KnownSource, KnownSources } from "./known-sources.ts";
import type { Missing, SourceScope } from "./may-own.ts";
import type { StoreState } from "./record-store.ts";
import { SourceAge } from "./source-status.ts";
import type { Freshness } from "./stored-record.ts";
import { holdsOf } from "./tally.ts";

type Writes = NonNullable<SourceScope["writes"]>;

/** Ages of the sources that count: those of the store, fed or not. */
export class SourceAges {
  readonly #clock: Clock;
  readonly #ages = new Map<string, SourceAge>();
  readonly #writes = new Map<string, Writes>();
  readonly #known: KnownSources;
  #scopes: readonly KnownSource[] = [];
  #seen: StoreState["sources"] | undefined;
  #synced = false;
  #moved = false;

  constructor(clock: Clock, sources: StoreState["sources"]) {
    this.#clock = clock;
    this.#known = new KnownSources(clock);
    for (const [name, { watermark }] of Object.entries(sources)) this.of(name).resume(watermark);
  }

  /** The age of one source, from now on one that counts. */
  of(name: string): SourceAge {
    let age = this.#ages.get(name);
    if (age === undefined) this.#ages.set(name, (age = new SourceAge(this.#clock)));
    this.#seen = undefined;
    return age;
  }

  /** What a source may write from now on; nothing is decided before the first snapshot of one that is awaited. */
  feeds(name: string, writes: Writes): void {
    const { tenants } = writes;
    this.#writes.set(name, { ...writes, tenants: tenants?.includes("*") === true ? undefined : tenants });
    this.#seen = undefined;
  }

  /** Seconds by which a source is behind; `undefined`: there is none of this name. */
  ageS(name: string): number | undefined {
    return this.#ages.get(name)?.ageS();
  }

  /** The sources as they are now. */
  all(sources: StoreState["sources"]): readonly KnownSource[] {
    this.#look(sources);
    return this.#scopes;
  }

  [Symbol.iterator](): Iterator<[string, SourceAge]> {
    return this.#ages.entries();
  }

  /** How fresh the oldest of these sources is; without names, the oldest on which anything rests. */
  freshness(sources: StoreState["sources"], names?: readonly string[]): Freshness {
    if (sources !== this.#seen) this.#look(sources);
    return this.#known.freshness(this.#synced, names);
  }

  /** Names of the sources that a record could have come from which is not there. */
  mayOwn(sources: StoreState["sources"], missing: Missing): readonly string[] {
    if (sources !== this.#seen) this.#look(sources);
    return this.#known.mayOwn(missing);
  }

  /**
   * Whether other sources count since this was asked last, or may write something else: what is not there could have
   * come from others than whoever found that knows.
   */
  moved(sources: StoreState["sources"]): boolean {
    this.#look(sources);
    const moved = this.#moved;
    this.#moved = false;
    return moved;
  }

  #look(sources: StoreState["sources"]): void {
    this.#seen = sources;
    let synced = Object.keys(sources).length > 0;
    for (const [name, { awaited }] of this.#writes)
      if (awaited && sources[name] === undefined) synced = false;
    this.#synced = synced;
    const scopes = [...this.#ages].map(([name, age]): KnownSource => {
      const writes = this.#writes.get(name);
      const holds = holdsOf(sources[name]?.counts ?? {});
      return writes === undefined ? { name, age, holds } : { name, age, holds, writes };
    });
    const before = new Map(this.#scopes.map((each) => [each.name, each] as const));
    if (scopes.every((scope) => isSame(before.get(scope.name), scope))) return;
    this.#moved = true;
    this.#scopes = scopes;
    this.#known.replace(scopes);
  }
}

function isSame(before: KnownSource | undefined, { holds, writes }: KnownSource): boolean {
  return (
    before !== undefined &&
    (before.writes === writes || JSON.stringify(before.writes) === JSON.stringify(writes)) &&
    before.holds.records === holds.records &&
    before.holds.reports === holds.reports
  );
}
