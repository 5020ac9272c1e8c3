/** A snapshot in the making: nobody sees it before it is complete, and then all of it at once. */
import type { DeviceRecord, RecordKey } from "../decision/facts.ts";
import { giveWay } from "../runtime/give-way.ts";
import type { RecordStore, StoredValue, Tombstone } from "./record-store.ts";
import type { Validated } from "./record-validator.ts";
import { belongsTo, isUnretired, retiredIsTerminal } from "./refusals.ts";
import { sameRecord } from "./same-record.ts";
import { isMany } from "./stored-record.ts";
import { toValue, withVersion } from "./stored-row.ts";
import { type Counts, Tally, totalOf } from "./tally.ts";

/**
 * How many staged changes are written at once: handing them over keeps others waiting for a millisecond or two, and each commit
 * costs as much. In a store that holds nothing yet there is less to do for each.
 */
const batchSize = { first: 256, later: 96 };
/** How many changes may be on their way: with one batch alone, collecting would wait for each commit. */
const mostWriting = 6144;
/** How many keys are looked through before others may run. */
const scanSlice = 4096;

type Batch = Map<RecordKey, StoredValue | null>;

/** What a complete snapshot would do. */
export interface DraftSummary {
  /** Records that differ from what is in force, in no particular order; those to delete included. */
  readonly changed: readonly RecordKey[];
  /** Changes other than devices, which the registry keeps in memory. */
  readonly few: ReadonlyMap<RecordKey, StoredValue | null>;
  readonly counts: Counts;
}

/** Compares entries of one source with what is in force and stages the difference. */
export class SnapshotDraft {
  readonly #store: RecordStore;
  readonly #source: string;
  /** Every key mentioned, with the line that did. */
  readonly #lines = new Map<RecordKey, number>();
  readonly #changed = new Set<RecordKey>();
  readonly #few = new Map<RecordKey, StoredValue | null>();
  readonly #tally = new Tally();
  #batch: Batch = new Map();
  /** Batches on their way to the store, the oldest first, while the next one is collected. */
  readonly #writing: { readonly batch: Batch; readonly written: Promise<void> }[] = [];
  #touched = false;
  /** Mentioned records that this source has in force. */
  #known = 0;
  /** Of these, the ones that were valid and no longer are. */
  readonly #spoiled = new Set<RecordKey>();

  /** No write of a version up to this one is applied once the snapshot is in force. */
  readonly #floor: number;

  readonly #batchSize: number;

  constructor(store: RecordStore, source: string, floor = 0) {
    this.#batchSize = store.state.revision === 0 ? batchSize.first : batchSize.later;
    this.#store = store;
    this.#source = source;
    this.#floor = floor;
  }

  /** Number of records of this source in force. */
  get total(): number {
    const state = this.#store.state.sources[this.#source];
    return state === undefined ? 0 : totalOf(state.counts);
  }

  /** Number of good records in force that the snapshot, if it ended here, would delete or spoil. */
  get lost(): number {
    return this.total - this.#known + this.#spoiled.size;
  }

  /**
   * Takes one record. Returns why it is not accepted as it is: then the record is stored as invalid if
   * its key is readable, so that its device alone fails closed. A key that comes twice is invalid: which
   * of the two is true cannot be known.
   */
  put(
    entry: Validated,
    line: number,
    version?: number,
    inForce: StoredValue | undefined = entry.key === undefined ? undefined : this.#store.get(entry.key),
  ): string | undefined {
    const { key } = entry;
    if (key === undefined) return entry.invalid;
    if (inForce !== undefined && inForce.source !== this.#source)
      return belongsTo(inForce.source, this.#source);
    if (isUnretired(inForce, entry)) {
      // Retired is terminal: the record in force is what this entry says at most.
      if (!this.#lines.has(key)) {
        this.#lines.set(key, line);
        this.#known++;
        this.#tally.add(key, inForce);
      }
      return retiredIsTerminal;
    }
    const first = this.#lines.get(key);
    if (first !== undefined) {
      const reason = `the same record as in line ${first}`;
      const pending = this.#pending(key);
      const before = pending === undefined ? inForce : pending;
      this.#tally.add(
        key,
        before === null || before === undefined || "gone" in before ? undefined : before,
        -1,
      );
      this.#accept(key, inForce, { key, invalid: "given more than once" }, version);
      return reason;
    }
    this.#lines.set(key, line);
    if (inForce !== undefined) this.#known++;
    this.#accept(key, inForce, entry, version);
    return entry.invalid ?? ("remark" in entry ? entry.remark : undefined);
  }

  /** Whether enough is collected to be worth writing: call {@link flush} then. */
  get full(): boolean {
    return this.#batch.size >= this.#batchSize;
  }

  /** Begins to write what is collected, once there is room for it on the way. */
  async flush(): Promise<void> {
    while (this.#writing.length * this.#batchSize >= mostWriting) await this.#settle();
    const batch = this.#batch;
    this.#batch = new Map();
    const written = this.#store.stage(batch);
    // A failure is told by whoever waits next.
    written.catch(() => {});
    this.#writing.push({ batch, written });
    await giveWay();
  }

  /** Waits for the oldest batch on the way. */
  async #settle(): Promise<void> {
    const oldest = this.#writing[0];
    await oldest?.written;
    if (this.#writing[0] === oldest) this.#writing.shift();
  }

  /** Waits until nothing is being written, whether that failed or not; the draft is not used after that. */
  async abandon(): Promise<void> {
    await Promise.allSettled(this.#writing.map(({ written }) => written));
  }

  /**
   * Stages the deletion of what was not mentioned; the draft is complete then. Tombstones are dropped where their
   * versions mean nothing any more. `removed` is called with each device whose record goes.
   */
  async complete(
    dropTombstones: boolean,
    removed: (device: DeviceRecord) => void = () => {},
  ): Promise<DraftSummary> {
    if (dropTombstones) await this.#dropTombstones();
    if (this.#known < this.total) {
      let seen = 0;
      for (const key of this.#store.keys()) {
        if (++seen % scanSlice === 0) await giveWay();
        const value = this.#lines.has(key) ? undefined : this.#store.get(key);
        if (value?.source === this.#source) {
          if (value.record !== undefined && "via" in value.record) removed(value.record);
          this.#stage(key, null);
        }
        if (this.full) await this.flush();
      }
    }
    await this.flush();
    while (this.#writing.length > 0) await this.#settle();
    await this.#store.endStaging();
    return { changed: [...this.#changed], few: this.#few, counts: this.#tally.counts() };
  }

  async #dropTombstones(): Promise<void> {
    let seen = 0;
    for (const key of this.#store.keys()) {
      if (++seen % scanSlice === 0) await giveWay();
      if (this.#lines.has(key) || this.#store.tombstone(key)?.source !== this.#source) continue;
      this.#stage(key, null);
      this.#changed.delete(key);
      if (this.full) await this.flush();
    }
  }

  #accept(key: RecordKey, inForce: StoredValue | undefined, entry: Validated, version?: number): void {
    this.#tally.add(key, entry);
    if (inForce !== undefined && isSame(inForce, entry)) {
      // A key that was staged already is put back to what is in force; a new version is no change of what it says, and
      // need not be stored where the floor of the snapshot speaks for it.
      const covered = version === this.#floor && (inForce.version ?? 0) <= this.#floor;
      if (version !== undefined && version !== inForce.version && !covered)
        this.#stage(key, withVersion(inForce, version));
      else if (this.#changed.has(key)) this.#stage(key, inForce);
      this.#changed.delete(key);
      return;
    }
    if (entry.invalid !== undefined && inForce?.record !== undefined) this.#spoiled.add(key);
    const revision = this.#store.state.revision + 1;
    const origin = { revision, source: this.#source, ...(version === undefined ? {} : { version }) };
    this.#stage(key, toValue(origin, entry));
  }

  /** Whether anything at all is to be written, be it only versions. */
  get touched(): boolean {
    return this.#touched;
  }

  #stage(key: RecordKey, value: StoredValue | null): void {
    this.#touched = true;
    this.#changed.add(key);
    this.#batch.set(key, value);
    if (!isMany(key)) this.#few.set(key, value);
  }

  #pending(key: RecordKey): StoredValue | Tombstone | null | undefined {
    for (const batch of [this.#batch, ...this.#writing.map((each) => each.batch).reverse()])
      if (batch.has(key)) return batch.get(key);
    return this.#store.staged(key);
  }
}

/** Whether an entry says what is in force. */
function isSame(inForce: StoredValue, entry: Validated): boolean {
  return entry.invalid === undefined
    ? inForce.invalid === undefined && sameRecord(inForce, entry)
    : inForce.invalid === entry.invalid;
}
