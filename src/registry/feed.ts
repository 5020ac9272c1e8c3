/** The writing end of the registry for one source. */
import type { RecordKey } from "../decision/facts.ts";
import type { Clock } from "../runtime/clock.ts";
import { Fault } from "../runtime/fault.ts";
import type { RecordStore, StoredValue, StoreState } from "./record-store.ts";
import type { Validated } from "./record-validator.ts";
import { SnapshotDraft } from "./snapshot-draft.ts";
import { maxRejectedListed, type Rejected, type SourceAge } from "./source-status.ts";

/** How often the watermark is written down for the next start, in milliseconds. */
const rememberEveryMs = 10_000;
/** Sources with no more records than this may lose any share of them. */
const smallSource = 100;

/** What a feed needs of its registry. */
export interface FeedOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly store: RecordStore;
  readonly age: SourceAge;
  takeTurn(): Promise<() => void>;
  putInForce(
    state: StoreState,
    changed: readonly RecordKey[],
    few: ReadonlyMap<RecordKey, StoredValue | null>,
  ): void;
  closed(): void;
}

/** How a snapshot is to be taken. */
export interface SnapshotOptions {
  /** Monotonic milliseconds at which the source was as the snapshot says: when reading it began. */
  readonly asOfMs: number;
  /** Largest share of the source's records that it may delete or spoil, 0 to 1; 1 confirms any loss. */
  readonly maxLostShare: number;
}

/** What is fed while a snapshot is open. */
export interface SnapshotSink {
  /** Takes one record, or what is wrong with it; `line` counts from 1. */
  put(entry: Validated, line: number): void;
  /** Await it whenever it is not undefined: changes are then written, and others may run. */
  flush(): Promise<void> | undefined;
}

/** What a snapshot did. */
export interface SnapshotResult {
  readonly revision: number;
  readonly changed: number;
  readonly rejected: number;
}

/** Feeds one source's records: snapshots, signs of life, faults. */
export class Feed implements AsyncDisposable {
  readonly #options: FeedOptions;
  #rejected: readonly Rejected[] = [];
  #rejectedTotal = 0;
  #fault: Fault | undefined;
  #rememberedMs = Number.NEGATIVE_INFINITY;

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  /** Whether the last snapshot in force ended with a trailer. */
  get hadTrailer(): boolean {
    return this.#options.store.state.sources[this.#options.name]?.trailer ?? false;
  }

  /** Whether a snapshot of this source is in force. */
  get synced(): boolean {
    return this.#options.store.state.sources[this.#options.name] !== undefined;
  }

  /**
   * Replaces all records of the source by those that `fill` puts, or changes nothing: whatever `fill`
   * throws, and a snapshot that would lose too much, leaves the records in force and the source ageing,
   * with the fault reported. `fill` returns whether the snapshot ended with a trailer.
   */
  async snapshot(
    options: SnapshotOptions,
    fill: (sink: SnapshotSink) => Promise<{ readonly trailer: boolean }>,
  ): Promise<SnapshotResult> {
    const endTurn = await this.#options.takeTurn();
    try {
      return await this.#apply(options, fill);
    } catch (error) {
      this.#fault = Fault.from(
        error,
        "source_unavailable",
        `cannot take a snapshot of source \`${this.#options.name}\``,
      );
      throw this.#fault;
    } finally {
      endTurn();
    }
  }

  /** The source is there and has nothing new, as of this monotonic time. */
  async bookmark(asOfMs: number): Promise<void> {
    if (!this.synced) return;
    this.#fault = undefined;
    const { age, clock, name, store } = this.#options;
    age.completeAt(asOfMs);
    if (clock.monotonicMs() - this.#rememberedMs < rememberEveryMs) return;
    this.#rememberedMs = clock.monotonicMs();
    const endTurn = await this.#options.takeTurn();
    try {
      const source = store.state.sources[name];
      if (source !== undefined) await store.saveState(this.#with({ ...source, watermark: age.watermark() }));
    } finally {
      endTurn();
    }
  }

  /** The source could not be read: the records stay in force and age. */
  failed(fault: Fault): void {
    this.#fault = fault;
  }

  /** What the source was last told, for the status. */
  report(): {
    readonly rejected: readonly Rejected[];
    readonly rejectedTotal: number;
    readonly fault?: Fault;
  } {
    const told = { rejected: this.#rejected, rejectedTotal: this.#rejectedTotal };
    return this.#fault === undefined ? told : { ...told, fault: this.#fault };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#options.closed();
  }

  async #apply(
    { asOfMs, maxLostShare }: SnapshotOptions,
    fill: (sink: SnapshotSink) => Promise<{ readonly trailer: boolean }>,
  ): Promise<SnapshotResult> {
    const { age, name, store } = this.#options;
    // What an earlier fold left over is in force: it must be in its place before anything new is staged.
    await store.fold();
    const draft = new SnapshotDraft(store, name);
    let flipped = false;
    const rejected: Rejected[] = [];
    let rejectedTotal = 0;
    try {
      const { trailer } = await fill({
        put(entry, line) {
          const reason = draft.put(entry, line);
          if (reason === undefined || rejectedTotal++ >= maxRejectedListed) return;
          rejected.push(entry.key === undefined ? { line, reason } : { line, key: entry.key, reason });
        },
        flush: () => (draft.full ? draft.flush() : undefined),
      });
      refuseGreatLoss(draft, maxLostShare);
      const { changed, few, counts } = await draft.complete();
      const first = !this.synced;
      age.completeAt(asOfMs);
      const state = this.#with({ watermark: age.watermark(), trailer, counts });
      this.#rejected = rejected;
      this.#rejectedTotal = rejectedTotal;
      this.#fault = undefined;
      if (changed.length === 0 && !first) {
        await store.discard();
        await store.saveState(state);
        return { revision: state.revision, changed: 0, rejected: rejectedTotal };
      }
      const revision = state.revision + 1;
      flipped = true;
      this.#options.putInForce({ ...state, revision }, changed, few);
      return { revision, changed: changed.length, rejected: rejectedTotal };
    } catch (error) {
      await draft.abandon();
      if (!flipped) await store.discard();
      throw error;
    } finally {
      if (flipped) await store.fold();
    }
  }

  #with(source: StoreState["sources"][string]): StoreState {
    const { state } = this.#options.store;
    return { ...state, sources: { ...state.sources, [this.#options.name]: source } };
  }
}

function refuseGreatLoss(draft: SnapshotDraft, maxLostShare: number): void {
  const { lost, total } = draft;
  if (total <= smallSource || lost <= total * maxLostShare) return;
  throw new Fault(
    "snapshot_refused",
    `the snapshot would delete or spoil ${lost} of ${total} records; confirm the deletions if that is meant`,
  );
}
