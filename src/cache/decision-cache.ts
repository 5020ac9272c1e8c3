/** Remembers answers until what they rest on changes or expires. */
import type { LRUCache } from "lru-cache";
import type { RecordKey } from "../decision/facts.ts";
import { lruOf } from "../runtime/lru.ts";
import { AnswerList } from "./answer-list.ts";
import { type Epoch, Epochs } from "./epochs.ts";
import { type Guarded, holds, type Readings } from "./guards.ts";

/** A proven identity with its joined facts `F` and its answers `A`. */
export interface CachedSubject<F, A extends Guarded> {
  readonly key: string;
  /** The cache that remembers it. */
  readonly home: object;
  readonly facts: F;
  /** The last answer found and its text: most devices ask about one topic, and this saves the look into a map. */
  last: A | undefined;
  lastText: string;
  readonly allows: AnswerList<A>;
  readonly denials: AnswerList<A>;
  readonly restsOn: readonly RecordKey[];
  /** Sources whose age is that of its answers; `undefined`: all. */
  readonly sources: readonly string[] | undefined;
  readonly cells: readonly Epoch[];
  readonly stamps: readonly number[];
  readonly everything: number;
  readonly bornMs: number;
  /** Version of all epochs at which its own were last compared. */
  version: number;
  /** No longer held by the cache: its epochs are given back. */
  dropped: boolean;
  /** Unix second of its last use that the LRU was told of. */
  touchedAt: number;
}

/** Sizes of a {@link DecisionCache}. */
export interface CacheLimits {
  /** Subjects that were allowed something. */
  readonly max_subjects: number;
  /** Subjects that were only ever denied, so that unknown ids cannot flush the others. */
  readonly max_denied_subjects: number;
  /** Topics whose answers are kept per subject, allows and denials apart. */
  readonly max_answers_per_subject: number;
}

/** What happened, as counters that only grow. */
export interface CacheCounters {
  hits: number;
  misses: number;
  /** Answers found but outside their guards: a clock, a lag or a message age left the interval. */
  expired: number;
  /** Subjects dropped because a record, the policy or the configuration changed. */
  invalidated: number;
  /** Subjects dropped for want of room. */
  evicted: number;
}

/**
 * Two bounded LRUs of subjects. A subject is stale as soon as one of its epochs has moved; an answer
 * holds only inside its guards. INVARIANT: nothing is returned that an evaluation now would not return.
 */
export class DecisionCache<F, A extends Guarded> {
  readonly epochs: Epochs = new Epochs();
  readonly counters: CacheCounters = { hits: 0, misses: 0, expired: 0, invalidated: 0, evicted: 0 };
  readonly #allowed: LRUCache<string, CachedSubject<F, A>>;
  readonly #denied: LRUCache<string, CachedSubject<F, A>>;
  readonly #maxTexts: number;
  #promoting: CachedSubject<F, A> | undefined;

  constructor(limits: CacheLimits) {
    const dispose = (subject: CachedSubject<F, A>, _key: string, reason: string): void => {
      if (reason === "evict") this.counters.evicted += 1;
      // A subject that is promoted to the allowed LRU keeps its epochs.
      if (this.#promoting !== subject) this.#drop(subject);
    };
    this.#allowed = lruOf(limits.max_subjects, dispose);
    this.#denied = lruOf(limits.max_denied_subjects, dispose);
    this.#maxTexts = Math.max(1, limits.max_answers_per_subject);
  }

  #drop(subject: CachedSubject<F, A>): void {
    subject.dropped = true;
    for (let i = 0; i < subject.cells.length; i++) {
      this.epochs.release(subject.restsOn[i] as string, subject.cells[i] as Epoch);
    }
  }

  /** The subject of `key`, unless something it rests on has moved. */
  subject(key: string): CachedSubject<F, A> | undefined {
    const subject = this.#allowed.get(key) ?? this.#denied.get(key);
    if (subject === undefined) return undefined;
    return this.isFresh(subject) ? subject : this.#forget(subject);
  }

  /**
   * The same subject once more, for a caller that kept it: `undefined` once it was dropped or something it
   * rests on has moved. The LRU hears of it once a second.
   */
  again(subject: CachedSubject<F, A>, now: number): CachedSubject<F, A> | undefined {
    if (subject.dropped || subject.home !== this) return undefined;
    if (!this.isFresh(subject)) return this.#forget(subject);
    if (subject.touchedAt !== now) {
      subject.touchedAt = now;
      if (this.#allowed.get(subject.key) === undefined) this.#denied.get(subject.key);
    }
    return subject;
  }

  #forget(subject: CachedSubject<F, A>): undefined {
    this.counters.invalidated += 1;
    for (const home of [this.#allowed, this.#denied]) {
      if (home.peek(subject.key) === subject) home.delete(subject.key);
    }
    return undefined;
  }

  /** Whether nothing that `subject` rests on has moved. */
  isFresh(subject: CachedSubject<F, A>): boolean {
    const { version } = this.epochs;
    if (subject.version === version) return true;
    if (subject.everything !== this.epochs.everything) return false;
    const { cells, stamps } = subject;
    for (let i = 0; i < cells.length; i++) {
      if ((cells[i] as Epoch).n !== stamps[i]) return false;
    }
    subject.version = version;
    return true;
  }

  /**
   * Remembers a subject and the records its facts were joined from. INVARIANT: to be called in the same
   * turn of the event loop in which `facts` were read; a change is announced in a later turn, after its
   * commit is visible, and moves the epochs taken here.
   */
  remember(
    key: string,
    bornMs: number,
    { restsOn, sources }: Pick<CachedSubject<F, A>, "restsOn" | "sources">,
    facts: F,
  ): CachedSubject<F, A> {
    const cells = restsOn.map((record) => this.epochs.hold(record));
    // What each hit reads stands together.
    const subject: CachedSubject<F, A> = {
      version: this.epochs.version,
      dropped: false,
      home: this,
      touchedAt: 0,
      last: undefined,
      lastText: "",
      sources,
      restsOn,
      allows: new AnswerList(),
      denials: new AnswerList(),
      facts,
      key,
      cells,
      stamps: cells.map((cell) => cell.n),
      everything: this.epochs.everything,
      bornMs,
    };
    this.#allowed.delete(key);
    this.#denied.set(key, subject);
    return subject;
  }

  /** The answer to a question, if it holds at these readings. */
  find(subject: CachedSubject<F, A>, text: string, code: number, readings: Readings): A | undefined {
    const { last } = subject;
    const answer =
      last !== undefined && last.code === code && subject.lastText === text
        ? last
        : (subject.allows.get(text, code) ?? subject.denials.get(text, code));
    if (answer !== undefined) {
      if (holds(answer, readings)) {
        if (answer !== last) {
          subject.last = answer;
          subject.lastText = text;
        }
        this.counters.hits += 1;
        return answer;
      }
      this.counters.expired += 1;
    }
    this.counters.misses += 1;
    return undefined;
  }

  /** Whether a question would be answered from here; counts nothing. */
  wouldHit(key: string, text: string, code: number, readings: Readings): boolean {
    const subject = this.#allowed.peek(key) ?? this.#denied.peek(key);
    if (subject === undefined || !this.isFresh(subject)) return false;
    const answer = subject.allows.get(text, code) ?? subject.denials.get(text, code);
    return answer !== undefined && holds(answer, readings);
  }

  /** Keeps an answer. The first allow moves its subject among the allowed ones. */
  keep(subject: CachedSubject<F, A>, text: string, answer: A): void {
    const [mine, other] = answer.allow
      ? [subject.allows, subject.denials]
      : [subject.denials, subject.allows];
    subject.last = undefined;
    other.delete(text, answer.code);
    mine.set(text, answer, this.#maxTexts);
    if (answer.allow && this.#denied.peek(subject.key) === subject) {
      this.#promoting = subject;
      this.#denied.delete(subject.key);
      this.#promoting = undefined;
      this.#allowed.set(subject.key, subject);
    }
  }

  /** Forgets everything. */
  clear(): void {
    this.#allowed.clear();
    this.#denied.clear();
  }

  /** Subjects held now, those only ever denied apart. */
  get size(): { readonly allowed: number; readonly denied: number } {
    return { allowed: this.#allowed.size, denied: this.#denied.size };
  }

  /** Age in milliseconds of the subject that was not used for longest, by the clock of `bornMs`; 0 when empty. */
  oldestAgeMs(nowMs: number): number {
    let age = 0;
    for (const home of [this.#allowed, this.#denied]) {
      const oldestKey = home.rkeys().next().value;
      const oldest = oldestKey === undefined ? undefined : home.peek(oldestKey);
      if (oldest !== undefined) age = Math.max(age, nowMs - oldest.bornMs);
    }
    return age;
  }
}
