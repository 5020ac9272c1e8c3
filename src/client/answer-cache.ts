/** What an attached client remembers: answers by subject and question, each tied to the stream that gave it. */
import { createHmac, randomBytes } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { Reading } from "../coherence/client-lease.ts";
import type { Decision } from "../decision/decision.ts";
import type { PublishQuery, Query, Subject, SubscribeQuery } from "../decision/query.ts";
import { Subject as WireSubject } from "../gen/sallyport/v1/decision.ts";
import type { Clock } from "../runtime/clock.ts";
import { type CachedAnswer, type CachedSubject, Memory } from "./memory.ts";
import { toWireSubject } from "./to-wire.ts";

/** A question whose answer may be remembered. */
export type SteadyQuery = PublishQuery | SubscribeQuery;

/** Whether nothing in the question moves with the message. */
export function isSteady(query: Query): query is SteadyQuery {
  if (query.kind === "publish") return query.seq === undefined && query.occurred_at === undefined;
  return query.kind === "subscribe";
}

/** How long an answer may be used, in milliseconds from the moment at which it was asked for. */
export interface Usable {
  readonly usableMs: number;
  /** While no node can be reached; 0: not at all. */
  readonly aloneMs: number;
}

const subscribeCode = 6;
const codeOf = (query: SteadyQuery): number =>
  query.kind === "publish" ? query.qos * 2 + (query.retain ? 1 : 0) : subscribeCode + query.qos;
const textOf = (query: SteadyQuery): string => (query.kind === "publish" ? query.topic : query.filter);
/** A subject that is used is moved to the front this often: 2^14 ms. */
const touchShift = 14;

/** The cache of a client, over all its streams. */
export class AnswerCache {
  readonly #monotonicMs: () => number;
  readonly #wallMs: () => number;
  /** Whole milliseconds since then stay small integers for 24 days. */
  readonly #origin: Reading;
  readonly #maxAnswers: number;
  readonly #secret = randomBytes(32);
  readonly #held: LRUCache<string, CachedSubject>;
  readonly #known = new WeakMap<Subject, CachedSubject>();
  readonly #keys = new WeakMap<Subject, string>();
  readonly #ended = new Set<Memory>();
  /** Kinds that are gone on with now, since no node can be reached. */
  #alone: ReadonlySet<string> | undefined;
  /** Answers that were used so. */
  aloneHits = 0;

  constructor(clock: Clock, maxSubjects: number, maxAnswersPerSubject: number) {
    this.#monotonicMs = clock.monotonicMs;
    this.#wallMs = () => clock.wallMs();
    this.#origin = { monotonicMs: Math.floor(clock.monotonicMs()), wallMs: clock.wallMs() };
    this.#maxAnswers = maxAnswersPerSubject;
    this.#held = new LRUCache({
      max: maxSubjects,
      dispose: (subject) => {
        subject.dropped = true;
        subject.lastText = undefined;
        subject.last = undefined;
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

  /** A stream has ended. */
  ended(memory: Memory): void {
    memory.end();
    this.#ended.add(memory);
  }

  /** No node can be reached: answers of these kinds are gone on with, each as long as that was granted with it. */
  standAlone(kinds: ReadonlySet<string>): void {
    this.#alone = kinds;
  }

  /** A node is reached: what ended streams gave is forgotten. */
  heard(): void {
    this.#alone = undefined;
    for (const memory of this.#ended) memory.forget();
    this.#ended.clear();
  }

  /** Both clocks now. */
  reading(): Reading {
    return { monotonicMs: this.#monotonicMs(), wallMs: this.#wallMs() };
  }

  /** The remembered answer, while its lease, its time and its stream last. Allocates nothing. */
  find(query: SteadyQuery): Decision | undefined {
    let subject = this.#known.get(query.subject);
    let answer: CachedAnswer | undefined;
    if (subject !== undefined && subject.lastText === textOf(query) && subject.lastCode === codeOf(query))
      answer = subject.last;
    else {
      subject = this.#subject(query.subject);
      if (subject === undefined) return undefined;
      const code = codeOf(query);
      const text = textOf(query);
      answer = subject.answers[code]?.get(text);
      if (answer === undefined) return undefined;
      subject.lastText = text;
      subject.lastCode = code;
      subject.last = answer;
    }
    if (answer === undefined) return undefined;
    // INVARIANT: both clocks are read for each answer: the process may have stood still since the one before.
    const monotonicMs = this.#monotonicMs();
    const wallMs = this.#wallMs();
    const sinceMonotonicMs = monotonicMs - this.#origin.monotonicMs;
    const sinceWallMs = wallMs - this.#origin.wallMs;
    if (subject.memory.lease.isAlive(monotonicMs, wallMs)) {
      if (sinceMonotonicMs >= answer.endMonotonicMs || sinceWallMs >= answer.endWallMs) return undefined;
      const moment = sinceMonotonicMs >> touchShift;
      if (subject.touchedAt !== moment) {
        subject.touchedAt = moment;
        this.#held.get(subject.key);
      }
      return answer.decision;
    }
    if (this.#alone?.has(query.kind) !== true) return undefined;
    if (sinceMonotonicMs >= answer.aloneEndMonotonicMs || sinceWallMs >= answer.aloneEndWallMs)
      return undefined;
    this.aloneHits += 1;
    return answer.decision;
  }

  /** Remembers an answer that was asked for at `sent` on the stream of `memory`. */
  keep(
    memory: Memory,
    query: SteadyQuery,
    decision: Decision,
    sent: Reading,
    { aloneMs, usableMs }: Usable,
    restsOn: readonly string[],
  ): void {
    if (memory.over) return;
    let subject = this.#subject(query.subject);
    if (subject === undefined || subject.memory !== memory) {
      subject = this.#newSubject(memory, this.#keyOf(query.subject));
      this.#held.set(subject.key, subject);
      this.#known.set(query.subject, subject);
    }
    for (const key of restsOn) {
      if (subject.restsOn.has(key)) continue;
      subject.restsOn.add(key);
      memory.rests(subject, key);
    }
    const code = codeOf(query);
    const answers = (subject.answers[code] ??= new Map<string, CachedAnswer>());
    const text = textOf(query);
    if (!answers.has(text) && answers.size >= this.#maxAnswers) {
      const oldest = answers.keys().next().value;
      if (oldest !== undefined) answers.delete(oldest);
    }
    const fromMonotonicMs = Math.floor(sent.monotonicMs - this.#origin.monotonicMs);
    const fromWallMs = Math.floor(sent.wallMs - this.#origin.wallMs);
    const answer: CachedAnswer = {
      decision: { ...decision, cached: true },
      endMonotonicMs: fromMonotonicMs + usableMs,
      endWallMs: fromWallMs + usableMs,
      aloneEndMonotonicMs: fromMonotonicMs + aloneMs,
      aloneEndWallMs: fromWallMs + aloneMs,
    };
    answers.set(text, answer);
    subject.lastText = text;
    subject.lastCode = code;
    subject.last = answer;
  }

  #newSubject(memory: Memory, key: string): CachedSubject {
    return {
      lastText: undefined,
      lastCode: 0,
      last: undefined,
      memory,
      touchedAt: 0,
      dropped: false,
      key,
      answers: [],
      restsOn: new Set(),
    };
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
