/** The decision itself: synchronous and total. One policy snapshot, one set of facts, no await, never throws. */
import { type CachedSubject, type CacheLimits, DecisionCache } from "../cache/decision-cache.ts";
import type { Change } from "../decision/change.ts";
import type { Decision } from "../decision/decision.ts";
import type { RecordKey } from "../decision/facts.ts";
import type { Peer } from "../decision/identity.ts";
import type { CommandQuery, SessionQuery } from "../decision/query.ts";
import { type Answer, answerAround } from "./answer.ts";
import { type Asking, type Desk, foreignTenant, isForeign } from "./desk.ts";
import { type Evaluated, evaluateInput } from "./evaluate-input.ts";
import { type CommandAuthority, joinCommand, joinSession } from "./join.ts";
import { isUnfit, type Prepared, prepare, type Unfit } from "./prepare.ts";
import { checkQuery } from "./query-check.ts";
import { ReplayGuard, replayOutranks } from "./replay.ts";
import { commandFacts, malformedCode, questionCode, questionText, requestFacts } from "./request-facts.ts";
import { hostVerdict, type Verdict } from "./result.ts";
import type { Session } from "./session.ts";
import type { Entrypoint, PolicySnapshot } from "./snapshot.ts";

/** Facts of a subject as the cache holds them. */
export interface SubjectFacts {
  readonly prepared: Map<Entrypoint, Prepared | Unfit>;
  readonly restsOn: readonly RecordKey[];
  readonly lastSeq: number;
}

type Subject = CachedSubject<SubjectFacts, Answer>;

const replayed = hostVerdict("message_replayed", { alert: "message_replayed" });

// Before the first snapshot a subject is held for one question only: what it rests on may arrive any moment.
const oneSubject: CacheLimits = { max_subjects: 1, max_denied_subjects: 1, max_answers_per_subject: 1 };

/** Devices whose message sequence is remembered here, besides what the registry knows. */
const replayDevices = 100_000;

/** Decides from the cache where an answer holds, else from one policy snapshot and one join of facts. */
export class DecisionCore {
  cache: DecisionCache<SubjectFacts, Answer>;
  readonly #desk: Desk;
  readonly #replay = new ReplayGuard(replayDevices);

  constructor(desk: Desk, limits: CacheLimits) {
    this.#desk = desk;
    this.cache = new DecisionCache(limits);
  }

  /** Puts a policy in force: every later answer is its own. `warm` holds answers that it has given already. */
  activate(snapshot: PolicySnapshot, warm?: DecisionCore["cache"]): void {
    this.#desk.snapshot = snapshot;
    if (warm === undefined) this.cache.epochs.bumpAll();
    else {
      // Counters only grow, whoever counts.
      Object.assign(warm.counters, this.cache.counters);
      this.cache = warm;
    }
  }

  /** Facts changed; what rests on them is asked again. */
  apply(change: Change): void {
    if (change.scope === "everything") this.cache.epochs.bumpAll();
    else for (const key of change.keys) this.cache.epochs.bump(key);
  }

  /** Answers a device's own question. */
  decide(session: Session, query: SessionQuery): Decision {
    const desk = this.#desk;
    const code = questionCode(query);
    const now = desk.clock.now();
    const subject = this.#remembered(session, now);
    const asking = desk.asking(query, subject?.sources, now);
    // Before the first snapshot nothing is remembered: absence is not evidence yet.
    if (!asking.synced || code === malformedCode)
      return this.#evaluate(session, query, code, asking, undefined);
    if (subject !== undefined) {
      const answer = this.cache.find(subject, questionText(query), code, asking);
      if (answer !== undefined) {
        const { restsOn } = subject;
        if (
          query.kind === "publish" &&
          query.seq !== undefined &&
          this.#isReplay(session, query, subject.facts.lastSeq, answer.verdict)
        ) {
          return desk.deny(replayed, session.peer, query, undefined, { restsOn, asking });
        }
        if (answer.tally !== undefined) desk.recorder.hit(answer);
        return desk.render(answer, asking, restsOn, true);
      }
    } else {
      this.cache.counters.misses += 1;
    }
    return this.#evaluate(session, query, code, asking, subject);
  }

  #remembered(session: Session, now: number): Subject | undefined {
    if (!session.lasting) return this.cache.subject(session.key);
    const kept = session.remembered as Subject | undefined;
    const again = kept === undefined ? undefined : this.cache.again(kept, now);
    if (again !== undefined) return again;
    const subject = this.cache.subject(session.key);
    session.remembered = subject;
    return subject;
  }

  /** Answers a command. Never cached. */
  decideCommand(peer: Peer, query: CommandQuery, authority: CommandAuthority): Decision {
    const desk = this.#desk;
    const malformed = checkQuery(query, desk.queryLimits);
    if (malformed !== undefined) return desk.deny(hostVerdict(malformed), peer, query, undefined);
    const { snapshot } = desk;
    if (snapshot === undefined) return desk.denyWithoutPolicy(peer, query);
    const joined = joinCommand(desk.facts, query.device_id, query.via, authority);
    const asking = desk.asking(query, joined.sources);
    const grounds = { restsOn: joined.restsOn, asking };
    if (isForeign(peer, joined.tenant)) return desk.deny(foreignTenant, peer, query, undefined, grounds);
    const prepared = prepare(snapshot, "command", joined);
    if (isUnfit(prepared))
      return desk.deny(hostVerdict(prepared.reason), peer, query, prepared.detail, grounds);
    const done = evaluateInput(
      snapshot,
      "command",
      prepared,
      commandFacts(peer, query),
      asking,
      desk.clock.monotonicMs,
    );
    const answer = answerAround(done.verdict, prepared, asking, malformedCode);
    const decision = desk.render(answer, asking, joined.restsOn, false);
    desk.record(peer, query, decision, done);
    return decision;
  }

  #evaluate(
    session: Session,
    query: SessionQuery,
    code: number,
    asked: Asking,
    cached: Subject | undefined,
  ): Decision {
    const desk = this.#desk;
    const { peer } = session;
    const malformed = checkQuery(query, desk.queryLimits);
    if (malformed !== undefined) return desk.deny(hostVerdict(malformed), peer, query, undefined);
    const { snapshot } = desk;
    if (snapshot === undefined) return desk.denyWithoutPolicy(peer, query);
    const subject = cached ?? this.#join(session, query.kind, snapshot, asked.synced);
    const { facts } = subject;
    const asking = subject === cached ? asked : desk.asking(query, subject.sources, asked.now);
    const prepared = facts.prepared.get(query.kind) ?? this.#prepare(session, query.kind, snapshot, facts);
    const done = this.#judge(session, query, snapshot, prepared, asking);
    if (this.#isReplay(session, query, facts.lastSeq, done.verdict)) {
      const { inputJson } = done;
      return desk.deny(replayed, peer, query, undefined, { restsOn: facts.restsOn, inputJson, asking });
    }
    const fit = isUnfit(prepared) ? undefined : prepared;
    const answer = answerAround(done.verdict, fit, asking, code);
    const decision = desk.render(answer, asking, facts.restsOn, false);
    const tally = desk.record(peer, query, decision, done);
    if (asking.synced && done.cacheable && !done.verdict.effect) {
      this.cache.keep(subject, questionText(query), { ...answer, tally });
    }
    return decision;
  }

  #judge(
    session: Session,
    query: SessionQuery,
    snapshot: PolicySnapshot,
    prepared: Prepared | Unfit,
    asking: Asking,
  ): Evaluated {
    if (!isUnfit(prepared)) {
      const request = requestFacts(session, query, asking.now);
      return evaluateInput(snapshot, query.kind, prepared, request, asking, this.#desk.clock.monotonicMs);
    }
    const verdict = prepared.reason === "tenant_mismatch" ? foreignTenant : hostVerdict(prepared.reason);
    return { verdict, inputJson: undefined, detail: prepared.detail, cacheable: true, evaluationUs: 0 };
  }

  #join(session: Session, kind: Entrypoint, snapshot: PolicySnapshot, remember: boolean): Subject {
    const joined = joinSession(this.#desk.facts, session);
    const prepared = prepareFor(session.peer, snapshot, kind, joined);
    const facts: SubjectFacts = {
      prepared: new Map([[kind, prepared]]),
      restsOn: joined.restsOn,
      lastSeq: joined.lastSeq,
    };
    const bornMs = this.#desk.clock.monotonicMs();
    const cache = remember ? this.cache : new DecisionCache<SubjectFacts, Answer>(oneSubject);
    return cache.remember(session.key, bornMs, joined, facts);
  }

  #prepare(
    session: Session,
    kind: Entrypoint,
    snapshot: PolicySnapshot,
    facts: SubjectFacts,
  ): Prepared | Unfit {
    const prepared = prepareFor(session.peer, snapshot, kind, joinSession(this.#desk.facts, session));
    facts.prepared.set(kind, prepared);
    return prepared;
  }

  #isReplay(session: Session, query: SessionQuery, lastSeq: number, verdict: Verdict): boolean {
    if (query.kind !== "publish" || query.seq === undefined) return false;
    if (!replayOutranks(verdict.allow, verdict.reason)) return false;
    if (this.#replay.isReplay(session.deviceId, query.seq, lastSeq)) return true;
    if (verdict.allow) this.#replay.accept(session.deviceId, query.seq);
    return false;
  }
}

function prepareFor(
  peer: Peer,
  snapshot: PolicySnapshot,
  kind: Entrypoint,
  joined: ReturnType<typeof joinSession>,
): Prepared | Unfit {
  if (isForeign(peer, joined.tenant)) {
    return { reason: "tenant_mismatch", detail: "the asking peer is not configured for the device's tenant" };
  }
  return prepare(snapshot, kind, joined);
}
