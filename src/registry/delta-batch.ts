/** Deltas of one source: which are newer than what is in force, and what they change. */
import type { DeviceRecord, RecordKey } from "../decision/facts.ts";
import { giveWay } from "../runtime/give-way.ts";
import { type RecordStore, recordIn, type StoredValue, type Tombstone } from "./record-store.ts";
import type { Validated } from "./record-validator.ts";
import { belongsTo, isUnretired, retiredIsTerminal } from "./refusals.ts";
import { sameRecord } from "./same-record.ts";
import { type AnyRecord, isMany } from "./stored-record.ts";
import { toValue, withVersion } from "./stored-row.ts";
import { type Counts, Tally } from "./tally.ts";

/**
 * One change of one record. `version` orders the writes of a record: an older one never overwrites a newer one. A
 * `repair` comes from a source that was asked for a whole bucket again.
 */
export type Delta =
  | { readonly act: "upsert"; readonly entry: Validated; readonly version: number; readonly repair?: true }
  | {
      readonly act: "delete";
      /** Absent: what it names is no record. */
      readonly key: RecordKey | undefined;
      readonly version: number;
      readonly repair?: true;
    };

/** What became of it. A rejected record is isolated where its key could be read. */
export type DeltaOutcome = "applied" | "unchanged" | "duplicate" | { readonly rejected: string };

/** Deltas that are judged before others may run: some two milliseconds. */
const takesAtOnce = 64;

/** What a batch asks of its feed. */
export interface DeltaRules {
  /** Why the feed may not write a record; `undefined`: it may. */
  foreign(
    key: RecordKey,
    entry: { readonly record?: AnyRecord | undefined },
    held: StoredValue | undefined,
  ): string | undefined;
  /** A device's record goes. */
  removed(device: DeviceRecord): void;
}

/** What a batch would do; nothing is written yet. */
export class DeltaBatch {
  readonly staged: Map<RecordKey, StoredValue | Tombstone> = new Map();
  readonly changed: Set<RecordKey> = new Set();
  /** What is in force of the records that were looked at. */
  readonly before: Map<RecordKey, StoredValue | Tombstone | undefined> = new Map();
  readonly #store: RecordStore;
  readonly #source: string;
  readonly #rules: DeltaRules;
  readonly #floor: number;
  readonly #tally: Tally;

  constructor(store: RecordStore, source: string, rules: DeltaRules) {
    const state = store.state.sources[source];
    this.#store = store;
    this.#source = source;
    this.#rules = rules;
    this.#floor = state?.floor ?? 0;
    this.#tally = new Tally(state?.counts);
  }

  /** Takes all of them, one after another. */
  async takeAll(deltas: readonly Delta[]): Promise<readonly DeltaOutcome[]> {
    const outcomes: DeltaOutcome[] = [];
    for (const delta of deltas) {
      outcomes.push(this.take(delta));
      if (outcomes.length % takesAtOnce === 0) await giveWay();
    }
    return outcomes;
  }

  /** Takes one delta, after those before it. */
  take(delta: Delta): DeltaOutcome {
    const key = delta.act === "delete" ? delta.key : delta.entry.key;
    if (key === undefined) return { rejected: reasonOf(delta) };
    const before = this.staged.get(key) ?? this.#inForce(key);
    const held = recordIn(before);
    if (held !== undefined && held.source !== this.#source)
      return { rejected: belongsTo(held.source, this.#source) };
    // A repair is judged by the record alone: what the last snapshot held may be what is wrong.
    const known =
      delta.repair === true ? (before?.version ?? 0) - 1 : Math.max(this.#floor, before?.version ?? 0);
    if (delta.version <= known) return "duplicate";
    return delta.act === "delete"
      ? this.#delete(key, held, delta.version)
      : this.#upsert(key, held, delta.entry, delta.version);
  }

  /** Records other than devices, which the registry keeps in memory. */
  few(): ReadonlyMap<RecordKey, StoredValue | null> {
    const few = new Map<RecordKey, StoredValue | null>();
    for (const [key, value] of this.staged) if (!isMany(key)) few.set(key, "gone" in value ? null : value);
    return few;
  }

  /** Records of the source by kind and state, with the batch applied. */
  counts(): Counts {
    return this.#tally.counts();
  }

  /** Read once: nothing else writes the record before the batch is in force. */
  #inForce(key: RecordKey): StoredValue | Tombstone | undefined {
    const value = this.#store.held(key);
    this.before.set(key, value);
    return value;
  }

  #delete(key: RecordKey, held: StoredValue | undefined, version: number): DeltaOutcome {
    const foreign = this.#rules.foreign(key, {}, held);
    // What is not there, and what no record says, is nobody's: a feed of some tenants leaves no trace of it.
    if (foreign !== undefined) return held === undefined ? "unchanged" : { rejected: foreign };
    this.staged.set(key, { gone: true, source: this.#source, version });
    if (held === undefined) return "unchanged";
    if (held.record !== undefined && "via" in held.record) this.#rules.removed(held.record);
    this.#tally.add(key, held, -1);
    this.changed.add(key);
    return "applied";
  }

  #upsert(key: RecordKey, held: StoredValue | undefined, entry: Validated, version: number): DeltaOutcome {
    const foreign = this.#rules.foreign(key, entry, held);
    if (foreign !== undefined) return { rejected: foreign };
    if (isUnretired(held, entry)) return { rejected: retiredIsTerminal };
    const good = entry.invalid === undefined;
    if (held !== undefined && good && held.invalid === undefined && sameRecord(held, entry)) {
      this.staged.set(key, withVersion(held, version));
      return "unchanged";
    }
    if (held !== undefined) this.#tally.add(key, held, -1);
    this.#tally.add(key, entry);
    this.changed.add(key);
    const revision = this.#store.state.revision + 1;
    this.staged.set(key, toValue({ revision, source: this.#source, version }, entry));
    const rejected = good ? entry.remark : entry.invalid;
    return rejected === undefined ? "applied" : { rejected };
  }
}

function reasonOf(delta: Delta): string {
  if (delta.act === "delete") return "the deletion names no record";
  return delta.entry.invalid ?? "the record has no readable id";
}
