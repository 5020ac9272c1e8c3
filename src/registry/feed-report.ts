/** What a feed was last told and what has happened on it, for the status. */
import type { Fault } from "../runtime/fault.ts";
import { maxRejectedListed, type Rejected } from "./source-status.ts";
import type { SyncCounters } from "./sync.ts";

/** What of a feed goes into the status of its source. */
export interface FeedTold {
  readonly rejected: readonly Rejected[];
  readonly rejectedTotal: number;
  readonly fault?: Fault;
  readonly counters: SyncCounters;
  /** Records that a refused snapshot would delete or spoil: it waits for somebody who confirms that. */
  readonly unconfirmedLoss?: number;
  /** What is here differs from what the source says it has; it ages until that is mended. */
  readonly diverges?: boolean;
}

/** The report of one feed. */
export class FeedReport {
  #rejected: readonly Rejected[] = [];
  #rejectedTotal = 0;
  /** Why the source could not be used when it was last tried. */
  fault: Fault | undefined;
  /** See {@link FeedTold}. */
  unconfirmedLoss: number | undefined;
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
    this.unconfirmedLoss = undefined;
  }

  /** One change was rejected. */
  reject(rejected: Rejected): void {
    this.counters.rejected++;
    this.#rejectedTotal++;
    if (this.#rejected.length < maxRejectedListed) this.#rejected = [...this.#rejected, rejected];
  }

  /** All of it. */
  told(): FeedTold {
    const { fault, unconfirmedLoss } = this;
    return {
      rejected: this.#rejected,
      rejectedTotal: this.#rejectedTotal,
      counters: { ...this.counters },
      ...(this.diverges ? { diverges: true } : {}),
      ...(fault === undefined ? {} : { fault }),
      ...(unconfirmedLoss === undefined ? {} : { unconfirmedLoss }),
    };
  }
}
