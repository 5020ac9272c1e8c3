/** The writing end of the registry for one source. */

import type { RecordKey } from "../decision/facts.ts";
import type { Origin } from "../decision/report.ts";
import { Fault } from "../runtime/fault.ts";
import { type Delta, DeltaBatch, type DeltaOutcome } from "./delta-batch.ts";
import { FeedNews } from "./feed-news.ts";
import type { FeedOptions } from "./feed-options.ts";
import { FeedReport, type FeedTold } from "./feed-report.ts";
import { LoadProgress } from "./load-progress.ts";
import { LossGuard } from "./loss-guard.ts";
import type { LostTrust } from "./lost-trust.ts";
import { type BucketHeld, type BucketName, readBuckets } from "./read-bucket.ts";
import { type FeedPosition, recordIn, type StoredValue, type StoreState } from "./record-store.ts";
import type { Validated } from "./record-validator.ts";
import { ofAnotherTenant } from "./refusals.ts";
import { SnapshotDraft } from "./snapshot-draft.ts";
import { maxRejectedListed, type Rejected } from "./source-status.ts";
import type { AnyRecord } from "./stored-record.ts";
import type { ResyncReason, SyncCounters } from "./sync.ts";
import { foreignTo } from "./write-rights.ts";

/** How often the watermark is written down for the next start, in milliseconds. */
const rememberEveryMs = 10_000;

/** How a snapshot is to be taken. */
export interface SnapshotOptions {
  /** Monotonic milliseconds at which the source was as the snapshot says: when reading it began. */
  readonly asOfMs: number;
  /** Largest share of the source's records that it may delete or spoil, 0 to 1; 1 confirms any loss. */
  readonly maxLostShare: number;
  /** About how many records it has; default: as many as are in force. */
  readonly expected?: number;
  /** Where the feed stands after it, if it has positions. */
  readonly position?: FeedPosition;
}

/** What is fed while a snapshot is open. */
export interface SnapshotSink {
  /** Takes one record, or what is wrong with it; returns why it is not taken as it is. `line` counts from 1. */
  put(entry: Validated, line: number, version?: number): string | undefined;
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
  readonly #report = new FeedReport();
  readonly #loss: LossGuard;
  #rememberedMs = Number.NEGATIVE_INFINITY;
  readonly #news: FeedNews;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#loss = new LossGuard(options.name);
    this.#news = new FeedNews(options.name, options.clock);
  }

  /** What happened since the start. */
  get counters(): SyncCounters {
    return this.#report.counters;
  }

  /** Whether the last snapshot in force ended with a trailer. */
  get hadTrailer(): boolean {
    return this.#options.store.state.sources[this.#options.name]?.trailer ?? false;
  }

  /** Whether a snapshot of this source is in force. */
  get synced(): boolean {
    return this.#options.store.state.sources[this.#options.name] !== undefined;
  }

  /** How far the feed was applied: the resume token. */
  get position(): FeedPosition | undefined {
    return this.#options.store.state.sources[this.#options.name]?.position;
  }

  /**
   * Applies deltas that lead to `position`, on disk and in force when it resolves: all that are newer than what is
   * in force, one by one, in one step. Rejects with `not_ready` before the first snapshot.
   */
  async apply(deltas: readonly Delta[], position: FeedPosition): Promise<readonly DeltaOutcome[]> {
    const endTurn = await this.#options.takeTurn();
    try {
      return await this.#applyDeltas(deltas, position);
    } catch (error) {
      this.#report.fault = Fault.from(error, "store_unavailable", "cannot apply changes");
      throw this.#report.fault;
    } finally {
      endTurn();
    }
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
      this.#report.fault = Fault.from(
        error,
        "source_unavailable",
        `cannot take a snapshot of source \`${this.#options.name}\``,
      );
      throw this.#report.fault;
    } finally {
      endTurn();
    }
  }

  /** What this source has in some buckets: devices or, where it is not the operator, reports. */
  async buckets(names: readonly BucketName[]): Promise<readonly BucketHeld[]> {
    return readBuckets(this.#options, names);
  }

  /** Name of the source. */
  get name(): string {
    return this.#options.name;
  }

  /** The source was told, or had, to begin again. */
  resynced(reason: ResyncReason): void {
    this.#report.resync(reason);
  }

  /** The clock of the source went back: its age goes on by our own time of receipt (SYN-18). */
  clockWentBack(asOf: number, before: number): void {
    this.counters.clock_backwards++;
    this.#news.clockBack(asOf, before);
  }

  /** As whose word its records count. */
  get origin(): Origin {
    return this.#options.origin;
  }

  /** Whether what is here differs from what the source says it has. */
  diverges(does: boolean): void {
    this.#report.diverges = does;
  }

  /** The source is there and has nothing new, as of this monotonic time. */
  async bookmark(asOfMs: number): Promise<void> {
    if (!this.synced) return;
    this.#report.fault = undefined;
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
    this.#report.fault = fault;
  }

  /**
   * Accepts the loss of as many records as the refused snapshot would delete or spoil; the next one that loses no more
   * comes into force. Throws `not_found` where none waits for that.
   */
  confirmLoss(): void {
    this.#loss.confirm();
    this.#options.confirmed();
  }

  /** What the source was last told, for the status. */
  report(): FeedTold {
    return this.#report.told(this.#loss.waiting);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#options.closed();
  }

  async #apply(
    { asOfMs, expected, maxLostShare, position }: SnapshotOptions,
    fill: (sink: SnapshotSink) => Promise<{ readonly trailer: boolean }>,
  ): Promise<SnapshotResult> {
    const { age, clock, name, store } = this.#options;
    // What an earlier fold left over is in force: it must be in its place before anything new is staged.
    await store.fold();
    const lost = this.#options.lostTrust();
    const draft = new SnapshotDraft(store, name, position?.revision);
    let flipped = false;
    const rejected: Rejected[] = [];
    let rejectedTotal = 0;
    const progress = new LoadProgress(name, expected ?? draft.total, clock);
    this.#report.loading = progress;
    try {
      const { trailer } = await fill({
        put: (entry, line, version) => {
          progress.take();
          const { key } = entry;
          const held = key === undefined ? undefined : recordIn(store.held(key));
          const reason = this.#foreign(lost, key, entry, held) ?? draft.put(entry, line, version, held);
          if (reason === undefined || rejectedTotal++ >= maxRejectedListed) return reason;
          rejected.push(key === undefined ? { line, reason } : { line, key, reason });
          return reason;
        },
        flush: () => (draft.full ? draft.flush() : undefined),
      });
      this.#loss.check(draft, maxLostShare);
      const { changed, few, counts } = await draft.complete(
        position !== undefined && position.epoch !== this.position?.epoch,
        (device) => lost.removed(device),
      );
      await lost.settle();
      const first = !this.synced;
      age.completeAt(asOfMs);
      const at = position === undefined ? {} : { position, floor: position.revision };
      const state = this.#with({ watermark: age.watermark(), trailer, counts, ...at });
      this.#report.snapshot(rejected, rejectedTotal);
      this.#loss.passed();
      if (!draft.touched && !first) {
        await store.discard();
        await store.saveState(state);
        return { revision: state.revision, changed: 0, rejected: rejectedTotal };
      }
      const revision = changed.length === 0 && !first ? state.revision : state.revision + 1;
      flipped = true;
      await this.#options.putInForce(() => store.flip({ ...state, revision }), changed, few);
      return { revision, changed: changed.length, rejected: rejectedTotal };
    } catch (error) {
      await draft.abandon();
      if (!flipped) await store.discard();
      throw error;
    } finally {
      this.#report.loading = undefined;
      progress.end();
      if (flipped) await store.fold();
    }
  }

  async #applyDeltas(deltas: readonly Delta[], position: FeedPosition): Promise<readonly DeltaOutcome[]> {
    const { name, store } = this.#options;
    const source = store.state.sources[name];
    if (source === undefined) throw new Fault("not_ready", `source \`${name}\` has no snapshot in force yet`);
    await store.fold();
    const lost = this.#options.lostTrust();
    const batch = new DeltaBatch(store, name, {
      foreign: (key, entry, held) => this.#foreign(lost, key, entry, held),
      removed: (device) => lost.removed(device),
    });
    const outcomes = await batch.takeAll(deltas);
    await lost.settle();
    this.#report.count(deltas, outcomes);
    const state = this.#with({ ...source, counts: batch.counts(), position });
    if (batch.staged.size === 0) {
      await store.saveState(state);
      return outcomes;
    }
    const changed = [...batch.changed];
    const revision = state.revision + (changed.length === 0 ? 0 : 1);
    await store.apply(batch.staged, { ...state, revision }, batch.before);
    await this.#options.putInForce(() => {}, changed, batch.few());
    this.#report.fault = undefined;
    return outcomes;
  }

  /** Why this feed may not write a record; `undefined`: it may. */
  #foreign(
    lost: LostTrust,
    key: RecordKey | undefined,
    entry: { readonly record?: AnyRecord | undefined },
    held: StoredValue | undefined,
  ): string | undefined {
    lost.replaced(held, entry);
    const foreign = foreignTo(this.#options, key, entry, held);
    if (foreign?.startsWith(ofAnotherTenant) === true) this.#news.crossTenant(key ?? "");
    return foreign;
  }

  #with(source: StoreState["sources"][string]): StoreState {
    const { state } = this.#options.store;
    return { ...state, sources: { ...state.sources, [this.#options.name]: source } };
  }
}
