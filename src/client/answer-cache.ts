/** What an attached client remembers: answers by subject and question, each tied to the stream that gave it. */
import { createHmac, randomBytes } from "node:crypto";
import { LRUCache } from "lru-cache";
import { ClientLease, type Reading } from "../coherence/client-lease.ts";
import type { Decision } from "../decision/decision.ts";
import type { PublishQuery, Query, Subject, SubscribeQuery } from "../decision/query.ts";
import { Subject as WireSubject } from "../gen/sallyport/v1/decision.ts";
import type { Clock } from "../runtime/clock.ts";
import { toWireSubject } from "./to-wire.ts";

/** A question whose answer may be remembered. */
export type SteadyQuery = PublishQuery | SubscribeQuery;

/** Whether nothing in the question moves with the message. */
export function isSteady(query: Query): query is SteadyQuery {
  return (
    query.kind === "subscribe" ||
    (query.kind === "publish" && query.seq === undefined && query.occurred_at === undefined)
  );
}

interface CachedAnswer {
  readonly decision: Decision;
  readonly fromMonotonicMs: number;
  readonly fromWallMs: number;
  readonly usableMs: number;
}

interface CachedSubject {
  readonly key: string;
  readonly memory: Memory;
  /** By the small parts of a question, then by topic or filter. */
  readonly answers: (Map<string, CachedAnswer> | undefined)[];
  readonly restsOn: Set<string>;
  dropped: boolean;
  touchedAt: number;
}

const subscribeCode = 6;
const codeOf = (query: SteadyQuery): number =>
  query.kind === "publish" ? query.qos * 2 + (query.retain ? 1 : 0) : subscribeCode + query.qos;

/** What one stream may use: it ends with the stream, and sleeps while the lease is not alive. */
export class Memory {
  readonly lease: ClientLease = new ClientLease();
  readonly #byRecord = new Map<string, Set<CachedSubject>>();
  readonly #drop: (subject: CachedSubject) => void;
  /** Position of the last change that was read. */
  position = 0;
  over = false;

  constructor(drop: (subject: CachedSubject) => void) {
    this.#drop = drop;
  }

  /** Ties a subject to a record. */
  rests(subject: CachedSubject, key: string): void {
    const subjects = this.#byRecord.get(key);
    if (subjects === undefined) this.#byRecord.set(key, new Set([subject]));
    else subjects.add(subject);
  }

  /** Unties a subject that is no longer held. */
  release(subject: CachedSubject): void {
    for (const key of subject.restsOn) {
      const subjects = this.#byRecord.get(key);
      subjects?.delete(subject);
      if (subjects?.size === 0) this.#byRecord.delete(key);
    }
  }

  /** Forgets what rests on these records; none: everything. Returns how many subjects went. */
  changed(position: number, records: readonly string[]): number {
    this.position = Math.max(this.position, position);
    let dropped = 0;
    for (const key of records.length === 0 ? this.#byRecord.keys() : records) {
      for (const subject of this.#byRecord.get(key) ?? []) {
        this.#drop(subject);
        dropped += 1;
      }
    }
    return dropped;
  }

  /** The stream ended. */
  end(): void {
    this.over = true;
    this.lease.end();
    this.#byRecord.clear();
  }
}

/** The cache of a client, over all its streams. */
export class AnswerCache {
  readonly #clock: Clock;
  readonly #maxAnswers: number;
  readonly #secret = randomBytes(32);
  readonly #held: LRUCache<string, CachedSubject>;
  readonly #known = new WeakMap<Subject, CachedSubject>();
  readonly #keys = new WeakMap<Subject, string>();

  constructor(clock: Clock, maxSubjects: number, maxAnswersPerSubject: number) {
    this.#clock = clock;
    this.#maxAnswers = maxAnswersPerSubject;
    this.#held = new LRUCache({
      max: maxSubjects,
      dispose: (subject) => {
        subject.dropped = true;
        subject.memory.release(subject);
      },
    });
  }

  /** Subjects that are remembered. */
  get size(): number {
    return this.#held.size;
  }

  /** The part of the cache that a new stream fills. */
  memory(): Memory {
    return new Memory((subject) => {
      if (this.#held.peek(subject.key) === subject) this.#held.delete(subject.key);
    });
  }

  /** Both clocks now. */
  reading(): Reading {
    return { monotonicMs: this.#clock.monotonicMs(), wallMs: this.#clock.wallMs() };
  }

  /** The remembered answer, while its lease, its time and its stream last. */
  find(query: SteadyQuery): Decision | undefined {
    const subject = this.#subject(query.subject);
    if (subject === undefined || subject.memory.over) return undefined;
    const answer = subject.answers[codeOf(query)]?.get(query.kind === "publish" ? query.topic : query.filter);
    if (answer === undefined) return undefined;
    const monotonicMs = this.#clock.monotonicMs();
    const wallMs = this.#clock.wallMs();
    if (!subject.memory.lease.isAlive(monotonicMs, wallMs)) return undefined;
    const { usableMs } = answer;
    if (monotonicMs - answer.fromMonotonicMs >= usableMs || wallMs - answer.fromWallMs >= usableMs)
      return undefined;
    const second = Math.floor(monotonicMs / 1000);
    if (subject.touchedAt !== second) {
      subject.touchedAt = second;
      this.#held.get(subject.key);
    }
    return answer.decision;
  }

  /** Remembers an answer that was asked for at `sent` on the stream of `memory`. */
  keep(
    memory: Memory,
    query: SteadyQuery,
    decision: Decision,
    sent: Reading,
    usableMs: number,
    restsOn: readonly string[],
  ): void {
    if (memory.over) return;
    let subject = this.#subject(query.subject);
    if (subject === undefined || subject.memory !== memory) {
      const key = this.#keyOf(query.subject);
      subject = { key, memory, answers: [], restsOn: new Set(), dropped: false, touchedAt: 0 };
      this.#held.set(key, subject);
      this.#known.set(query.subject, subject);
    }
    for (const key of restsOn) {
      if (subject.restsOn.has(key)) continue;
      subject.restsOn.add(key);
      memory.rests(subject, key);
    }
    const answers = (subject.answers[codeOf(query)] ??= new Map<string, CachedAnswer>());
    const text = query.kind === "publish" ? query.topic : query.filter;
    if (!answers.has(text) && answers.size >= this.#maxAnswers) {
      const oldest = answers.keys().next().value;
      if (oldest !== undefined) answers.delete(oldest);
    }
    const { monotonicMs: fromMonotonicMs, wallMs: fromWallMs } = sent;
    answers.set(text, { decision: { ...decision, cached: true }, fromMonotonicMs, fromWallMs, usableMs });
  }

  #subject(given: Subject): CachedSubject | undefined {
    const known = this.#known.get(given);
    if (known !== undefined && !known.dropped) return known;
    const subject = this.#held.get(this.#keyOf(given));
    if (subject !== undefined) this.#known.set(given, subject);
    return subject;
  }

  /** Names a subject with all its evidence, without keeping any of it. */
  #keyOf(given: Subject): string {
    let key = this.#keys.get(given);
    if (key === undefined) {
      const bytes = WireSubject.encode(toWireSubject(given)).finish();
      key = createHmac("sha256", this.#secret).update(bytes).digest("base64");
      this.#keys.set(given, key);
    }
    return key;
  }
}
