/** What an attached client remembers: answers by subject and question, each tied to the stream that gave it. */
import { createHmac, randomBytes } from "node:crypto";
import type { LRUCache } from "lru-cache";
import type { Reading } from "../coherence/client-lease.ts";
import type { Decision } from "../decision/decision.ts";
import type { PublishQuery, Query, Subject, SubscribeQuery } from "../decision/query.ts";
import { Subject as WireSubject } from "../gen/sallyport/v1/decision.ts";
import type { Clock } from "../runtime/clock.ts";
import { lruOf } from "../runtime/lru.ts";
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

function setLast(subject: CachedSubject, code: number, text: string, answer: CachedAnswer): void {
  subject.lastText = text;
  subject.lastCode = code;
  subject.last = answer;
  subject.lastDecision = answer.decision;
  subject.lastEndMonotonicMs = answer.endMonotonicMs;
  subject.lastEndWallMs = answer.endWallMs;
}

/** The cache of a client, over all its streams. */
export class AnswerCache {
  readonly #monotonicMs: () => number;
  readonly #wallMs: () => number;
  /** Whole milliseconds since then stay small integers for 24 days. */
  readonly #originMonotonicMs: number;
  readonly #originWallMs: number;
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
    this.#originMonotonicMs = Math.floor(clock.monotonicMs());
    this.#originWallMs = clock.wallMs();
    this.#maxAnswers = maxAnswersPerSubject;
    this.#held = lruOf<string, CachedSubject>(maxSubjects, (subject) => {
      subject.dropped = true;
      subject.lastText = undefined;
      subject.lastDecision = undefined;
      subject.last = undefined;
      subject.answers = undefined;
      subject.memory.release(subject);
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
    if (subject === undefined || subject.lastText !== textOf(query) || subject.lastCode !== codeOf(query)) {
      subject = this.#turnTo(query);
      if (subject === undefined) return undefined;
    }
    // INVARIANT: both clocks are read for each answer: the process may have stood still since the one before.
    const monotonicMs = this.#monotonicMs();
    const wallMs = this.#wallMs();
    if (!subject.memory.lease.isAlive(monotonicMs, wallMs))
      return this.#findAlone(query.kind, subject, monotonicMs, wallMs);
    const sinceMonotonicMs = monotonicMs - this.#originMonotonicMs;
    if (sinceMonotonicMs >= subject.lastEndMonotonicMs) return undefined;
    if (wallMs - this.#originWallMs >= subject.lastEndWallMs) return undefined;
    const moment = sinceMonotonicMs >> touchShift;
    if (subject.touchedAt !== moment) {
      subject.touchedAt = moment;
      this.#held.get(subject.key);
    }
    return subject.lastDecision;
  }

  /** Makes the answer to a question the last one of its subject; `undefined`: there is none. */
  #turnTo(query: SteadyQuery): CachedSubject | undefined {
    const subject = this.#subject(query.subject);
    if (subject === undefined) return undefined;
    const [code, text] = [codeOf(query), textOf(query)];
    if (subject.lastText === text && subject.lastCode === code) return subject;
    const answer = subject.answers?.[code]?.get(text);
    if (answer === undefined) return undefined;
    setLast(subject, code, text, answer);
    return subject;
  }

  #findAlone(
    kind: string,
    { last }: CachedSubject,
    monotonicMs: number,
    wallMs: number,
  ): Decision | undefined {
    if (last === undefined || this.#alone?.has(kind) !== true) return undefined;
    if (monotonicMs - this.#originMonotonicMs >= last.aloneEndMonotonicMs) return undefined;
    if (wallMs - this.#originWallMs >= last.aloneEndWallMs) return undefined;
    this.aloneHits += 1;
    return last.decision;
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
      if (subject.restsOn.includes(key)) continue;
      subject.restsOn.push(key);
      memory.rests(subject, key);
    }
    const [code, text] = [codeOf(query), textOf(query)];
    const fromMonotonicMs = Math.floor(sent.monotonicMs - this.#originMonotonicMs);
    const fromWallMs = Math.floor(sent.wallMs - this.#originWallMs);
    const answer: CachedAnswer = {
      decision: { ...decision, cached: true },
      endMonotonicMs: fromMonotonicMs + usableMs,
      endWallMs: fromWallMs + usableMs,
      aloneEndMonotonicMs: fromMonotonicMs + aloneMs,
      aloneEndWallMs: fromWallMs + aloneMs,
    };
    const { last, lastCode, lastText } = subject;
    const only = lastText === undefined || (lastText === text && lastCode === code);
    if (!only && subject.answers === undefined) {
      subject.answers = [];
      if (last !== undefined) this.#store(subject.answers, lastCode, lastText, last);
    }
    if (subject.answers !== undefined) this.#store(subject.answers, code, text, answer);
    setLast(subject, code, text, answer);
  }

  #store(
    answers: (Map<string, CachedAnswer> | undefined)[],
    code: number,
    text: string,
    answer: CachedAnswer,
  ): void {
    const byText = (answers[code] ??= new Map<string, CachedAnswer>());
    if (!byText.has(text) && byText.size >= this.#maxAnswers) {
      const oldest = byText.keys().next().value;
      if (oldest !== undefined) byText.delete(oldest);
    }
    byText.set(text, answer);
  }

  #newSubject(memory: Memory, key: string): CachedSubject {
    return {
      lastText: undefined,
      lastCode: 0,
      memory,
      lastEndMonotonicMs: 0,
      lastEndWallMs: 0,
      lastDecision: undefined,
      touchedAt: 0,
      dropped: false,
      last: undefined,
      key,
      answers: undefined,
      restsOn: [],
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
