/** How far a snapshot has come, for those who wait for it. */
import { channel } from "node:diagnostics_channel";
import type { Clock } from "../runtime/clock.ts";

/** A snapshot under way. */
export interface Loading {
  readonly source: string;
  /** Records that were taken so far. */
  readonly records: number;
  /** About how many there will be; 0: nobody knows. */
  readonly expected: number;
  /** Whole seconds since it began. */
  readonly seconds: number;
  /** Whether it has ended, well or not. */
  readonly done: boolean;
}

const loadingNews = channel("sallyport:registry:loading");
/** Looking at the clock costs more than counting. */
const every = 512;
const newsMs = 100;

/** Counts, and publishes ten times a second at most. */
export class LoadProgress {
  readonly #clock: Clock;
  readonly #source: string;
  readonly #expected: number;
  readonly #startedMs: number;
  #toldMs: number;
  #records = 0;

  constructor(source: string, expected: number, clock: Clock) {
    this.#clock = clock;
    this.#source = source;
    this.#expected = expected;
    this.#startedMs = clock.monotonicMs();
    this.#toldMs = this.#startedMs;
  }

  /** One more record. */
  take(): void {
    this.#records++;
    if (this.#records % every !== 0 || !loadingNews.hasSubscribers) return;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#toldMs < newsMs) return;
    this.#toldMs = nowMs;
    loadingNews.publish(this.now());
  }

  /** Says that it is over, where anybody has heard of it. */
  end(): void {
    if (this.#toldMs > this.#startedMs && loadingNews.hasSubscribers)
      loadingNews.publish({ ...this.now(), done: true } satisfies Loading);
  }

  /** How far it is. More than expected is expected then. */
  now(): Loading {
    const seconds = Math.floor((this.#clock.monotonicMs() - this.#startedMs) / 1000);
    const expected = this.#expected === 0 ? 0 : Math.max(this.#expected, this.#records);
    return { source: this.#source, records: this.#records, expected, seconds, done: false };
  }
}
