/** What is known of one source: how fresh it is, what it was last told and what is wrong with it. */

import type { Origin } from "../decision/report.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Fault } from "../runtime/fault.ts";
import type { Loading } from "./load-progress.ts";
import type { FeedPosition, SourceState } from "./record-store.ts";
import type { Freshness } from "./stored-record.ts";
import type { SyncCounters } from "./sync.ts";
import type { Counts } from "./tally.ts";

/** An entry that was not accepted as it is. `line` counts from 1 (entries, in a JSON or YAML file). */
export interface Rejected {
  readonly line: number;
  /** Key of the record, where it could be read: that record is stored as invalid. */
  readonly key?: string;
  readonly reason: string;
}

/** The state of one source, for status pages and metrics. */
export interface SourceStatus extends Freshness {
  readonly name: string;
  readonly counts: Counts;
  /** The first {@link maxRejectedListed} rejected entries of the last snapshot, and how many there were. */
  readonly rejected: readonly Rejected[];
  readonly rejectedTotal: number;
  /** Why the source could not be used when it was last tried; absent: it could. */
  readonly fault?: Fault;
  /** Records that a refused snapshot would delete or spoil: it waits for somebody who confirms that. */
  readonly unconfirmedLoss?: number;
  /** What is here differs from what the source says it has; it ages until that is mended. */
  readonly diverges?: boolean;
  /** The snapshot under way, if any. */
  readonly loading?: Loading;
  /** As whose word its records count; absent: it was not fed since the start. */
  readonly origin?: Origin;
  /** How far its feed was applied, where it has positions. */
  readonly position?: FeedPosition;
  /** What happened on its last feed; absent: it was not fed since the start. */
  readonly counters?: SyncCounters;
  /** How often the source began again, by reason: `gap`, `expired`... */
  readonly resyncs?: Readonly<Record<string, number>>;
}

/** Most rejected entries that a status lists. */
export const maxRejectedListed = 100;

/** Whole seconds since a moment of the monotonic clock; never negative, never more than the age of the epoch. */
export function secondsSince(clock: Clock, monotonicMs: number): number {
  return Math.max(0, Math.min(clock.now(), Math.floor((clock.monotonicMs() - monotonicMs) / 1000)));
}

/** How old a source is. It ages on the monotonic clock, so that no step of the wall clock makes it fresh. */
export class SourceAge {
  readonly #clock: Clock;
  #asOfMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Monotonic milliseconds through which the source was complete; `-Infinity`: unknown. */
  get asOfMs(): number {
    return this.#asOfMs;
  }

  /** The source was complete at this monotonic time. Never moves backwards (SYN-18). */
  completeAt(monotonicMs: number): void {
    this.#asOfMs = Math.max(this.#asOfMs, Math.min(monotonicMs, this.#clock.monotonicMs()));
  }

  /** Takes up a watermark kept from before a restart; one from the future says nothing about the age. */
  resume(watermark: number): void {
    const ageS = this.#clock.now() - watermark;
    if (ageS >= 0) this.completeAt(this.#clock.monotonicMs() - ageS * 1000);
  }

  /** Whole seconds; never more than the age of the epoch, so that watermarks stay positive. */
  ageS(): number {
    return secondsSince(this.#clock, this.#asOfMs);
  }

  /** Unix seconds through which the source is complete. */
  watermark(): number {
    return this.#clock.now() - this.ageS();
  }
}

/** How fresh a source with this state and age is. */
export function freshnessOf(state: SourceState | undefined, age: SourceAge): Freshness {
  return { synced: state !== undefined, watermark: age.watermark(), ageS: age.ageS() };
}
