/** What a feed was last told and what has happened on it, for the status. */
import type { Fault } from "../runtime/fault.ts";
import type { Delta, DeltaOutcome } from "./delta-batch.ts";
import type { Loading, LoadProgress } from "./load-progress.ts";
import { maxRejectedListed, type Rejected } from "./source-status.ts";
import type { SyncCounters } from "./sync.ts";

/** What of a feed goes into the status of its source. */
export interface FeedTold {
  readonly rejected: readonly Rejected[];
  readonly rejectedTotal: number;
  readonly fault?: Fault;
  readonly counters: SyncCounters;
  /** How often the source began again, by reason. */
  readonly resyncs: Readonly<Record<string, number>>;
  /** Records that a refused snapshot would delete or spoil: it waits for somebody who confirms that. */
  readonly unconfirmedLoss?: number;
  /** What is here differs from what the source says it has; it ages until that is mended. */
  readonly diverges?: boolean;
  /** The snapshot under way. */
  readonly loading?: Loading;
}

/** The report of one feed. */
export class FeedReport {
  #rejected: readonly Rejected[] = [];
  #rejectedTotal = 0;
  readonly #resyncs: Record<string, number> = {};
  /** Why the source could not be used when it was last tried. */
  fault: Fault | undefined;
  /** The snapshot under way, if any. */
  loading: LoadProgress | undefined;
  /** Whether what is here differs from what the source says it has. */
  diverges = false;
  /** What happened since the start. */
  readonly counters: SyncCounters = {
    applied: 0,
    duplicates_ignored: 0,
    rejected: 0,
    snapshots: 0,
    gaps: 0,
    resyncs: 0,
    clock_backwards: 0,
    divergences: 0,
  };

  /** A snapshot came into force, with what was rejected of it. */
  snapshot(rejected: readonly Rejected[], total: number): void {
    this.counters.snapshots++;
    this.#rejected = rejected;
    this.#rejectedTotal = total;
    this.fault = undefined;
  }

  /** The source was told, or had, to begin again. */
  resync(reason: string): void {
    this.counters.resyncs++;
    this.#resyncs[reason] = (this.#resyncs[reason] ?? 0) + 1;
  }

  /** What became of changes. */
  count(deltas: readonly Delta[], outcomes: readonly DeltaOutcome[]): void {
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome === "duplicate") this.counters.duplicates_ignored++;
      else if (typeof outcome === "string") this.counters.applied++;
      else this.#reject(deltas[index], outcome.rejected);
    }
  }

  /** All of it; see {@link FeedTold}. */
  told(unconfirmedLoss: number | undefined): FeedTold {
    const { fault } = this;
    return {
      rejected: this.#rejected,
      rejectedTotal: this.#rejectedTotal,
      counters: { ...this.counters },
      resyncs: { ...this.#resyncs },
      ...(this.diverges ? { diverges: true } : {}),
      ...(this.loading === undefined ? {} : { loading: this.loading.now() }),
      ...(fault === undefined ? {} : { fault }),
      ...(unconfirmedLoss === undefined ? {} : { unconfirmedLoss }),
    };
  }

  #reject(delta: Delta | undefined, reason: string): void {
    this.counters.rejected++;
    this.#rejectedTotal++;
    if (this.#rejected.length >= maxRejectedListed) return;
    const key = delta?.act === "upsert" ? delta.entry.key : delta?.key;
    const line = delta?.version ?? 0;
    this.#rejected = [...this.#rejected, key === undefined ? { line, reason } : { line, key, reason }];
  }
}
