/** Remembers answers until what they rest on changes or expires. */
import { LRUCache } from "lru-cache";
import { type Epoch, Epochs } from "./epochs.ts";

/**
 * The intervals in which an answer holds, each `[from, until)`. `now` is unix seconds; `lag` is the age
 * of the facts, `age` the age of the message, `skew` the device clock's distance, all in seconds.
 */
export interface Guards {
  readonly allow: boolean;
  readonly validFrom: number;
  readonly validUntil: number;
  readonly lagFrom: number;
  readonly lagUntil: number;
  readonly ageFrom: number;
  readonly ageUntil: number;
  readonly skewFrom: number;
  readonly skewUntil: number;
}

/** A proven identity with its joined facts `F` and its answers `A`. */
export interface CachedSubject<F, A> {
  readonly facts: F;
  readonly key: string;
  readonly restsOn: readonly string[];
  readonly cells: readonly Epoch[];
  readonly stamps: readonly number[];
  readonly everything: number;
  readonly allows: Map<string, A>;
  readonly denials: Map<string, A>;
  readonly bornMs: number;
}

/** Sizes of a {@link DecisionCache}. */
export interface CacheLimits {
  /** Subjects that were allowed something. */
  readonly max_subjects: number;
  /** Subjects that were only ever denied, so that unknown ids cannot flush the others. */
  readonly max_denied_subjects: number;
  /** Answers kept per subject, allows and denials apart. */
  readonly max_answers_per_subject: number;
}

/** What happened, as counters that only grow. */
export interface CacheCounters {
  hits: number;
  misses: number;
  /** Answers dropped because a clock, a lag or a message age left their interval. */
  expired: number;
  /** Subjects dropped because a record, the policy or the configuration changed. */
  invalidated: number;
  /** Subjects dropped for want of room. */
  evicted: number;
}

function holds(answer: Guards, now: number, lag: number, age: number, skew: number): boolean {
  return (
    now >= answer.validFrom &&
    now < answer.validUntil &&
    lag >= answer.lagFrom &&
    lag < answer.lagUntil &&
    age >= answer.ageFrom &&
    age < answer.ageUntil &&
    skew >= answer.skewFrom &&
    skew < answer.skewUntil
  );
}

/**
 * Two bounded LRUs of subjects. A subject is stale as soon as one of its epochs has moved; an answer
 * holds only inside its guards. INVARIANT: nothing is returned that an evaluation now would not return.
 */
export class DecisionCache<F, A extends Guards> {
  readonly epochs: Epochs = new Epochs();
  readonly counters: CacheCounters = { hits: 0, misses: 0, expired: 0, invalidated: 0, evicted: 0 };
  readonly #allowed: LRUCache<string, CachedSubject<F, A>>;
  readonly #denied: LRUCache<string, CachedSubject<F, A>>;
  readonly #maxAnswers: number;

  constructor(limits: CacheLimits) {
    const dispose = (subject: CachedSubject<F, A>, _key: string, reason: string): void => {
      if (reason === "evict") this.counters.evicted += 1;
      // A subject that is promoted to the allowed LRU keeps its epochs.
      if (this.#promoting !== subject) this.#release(subject);
    };
    this.#allowed = new LRUCache({ max: Math.max(1, limits.max_subjects), dispose });
    this.#denied = new LRUCache({ max: Math.max(1, limits.max_denied_subjects), dispose });
    this.#maxAnswers = Math.max(1, limits.max_answers_per_subject);
  }

  #promoting: CachedSubject<F, A> | undefined;

  #release(subject: CachedSubject<F, A>): void {
    for (let i = 0; i < subject.cells.length; i++) {
      this.epochs.release(subject.restsOn[i] as string, subject.cells[i] as Epoch);
    }
  }

  /** The subject of `key`, unless something it rests on has moved. */
  subject(key: string): CachedSubject<F, A> | undefined {
    let home = this.#allowed;
    let subject = home.get(key);
    if (subject === undefined) {
      home = this.#denied;
      subject = home.get(key);
      if (subject === undefined) return undefined;
    }
    if (this.#isFresh(subject)) return subject;
    this.counters.invalidated += 1;
    home.delete(key);
    return undefined;
  }

  #isFresh(subject: CachedSubject<F, A>): boolean {
    if (subject.everything !== this.epochs.everything.n) return false;
    const { cells, stamps } = subject;
    for (let i = 0; i < cells.length; i++) {
      if ((cells[i] as Epoch).n !== stamps[i]) return false;
    }
    return true;
  }

  /**
   * Remembers a subject and the records its facts were joined from. INVARIANT: to be called in the same
   * turn of the event loop in which `facts` were read; a change is announced in a later turn, after its
   * commit is visible, and moves the epochs taken here.
   */
  remember(key: string, bornMs: number, restsOn: readonly string[], facts: F): CachedSubject<F, A> {
    const cells = restsOn.map((record) => this.epochs.hold(record));
    const subject: CachedSubject<F, A> = {
      key,
      restsOn,
      cells,
      stamps: cells.map((cell) => cell.n),
      everything: this.epochs.everything.n,
      allows: new Map(),
      denials: new Map(),
      bornMs,
      facts,
    };
    this.#allowed.delete(key);
    this.#denied.set(key, subject);
    return subject;
  }

  /** The answer to `question`, if it holds at these readings. */
  find(
    subject: CachedSubject<F, A>,
    question: string,
    now: number,
    lag: number,
    age: number,
    skew: number,
  ): A | undefined {
    const answer = subject.allows.get(question) ?? subject.denials.get(question);
    if (answer === undefined) {
      this.counters.misses += 1;
      return undefined;
    }
    if (holds(answer, now, lag, age, skew)) {
      this.counters.hits += 1;
      return answer;
    }
    this.counters.expired += 1;
    this.counters.misses += 1;
    return undefined;
  }

  /** Whether `question` would be answered from here; counts nothing. */
  wouldHit(key: string, question: string, now: number, lag: number, age: number, skew: number): boolean {
    const subject = this.#allowed.peek(key) ?? this.#denied.peek(key);
    if (subject === undefined || !this.#isFresh(subject)) return false;
    const answer = subject.allows.get(question) ?? subject.denials.get(question);
    return answer !== undefined && holds(answer, now, lag, age, skew);
  }

  /** Keeps an answer. The first allow moves its subject among the allowed ones. */
  keep(subject: CachedSubject<F, A>, question: string, answer: A): void {
    const [mine, other] = answer.allow
      ? [subject.allows, subject.denials]
      : [subject.denials, subject.allows];
    other.delete(question);
    if (!mine.has(question) && mine.size >= this.#maxAnswers) {
      const oldest = mine.keys().next().value;
      if (oldest !== undefined) mine.delete(oldest);
    }
    mine.set(question, answer);
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

  /** Age in milliseconds of the oldest subject in use, by the clock that `bornMs` came from; 0 when empty. */
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
