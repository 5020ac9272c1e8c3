/**
 * What every enforcement point does with questions and answers, whatever its dialect: identity, question, decision in
 * time, ruling, session. It never throws and always answers; an answer that does not come is a denial.
 */
import type { Change } from "../decision/change.ts";
import type { Decider, Decision } from "../decision/decision.ts";
import { denial } from "../decision/denial.ts";
import type { Evidence, Identity } from "../decision/identity.ts";
import type { Query, SessionQuery, Subject, Will } from "../decision/query.ts";
import type { Supports } from "../decision/supports.ts";
import { boundedDecider } from "../runtime/bounded-decider.ts";
import type { Clock } from "../runtime/clock.ts";
import { type BrokerSession, type SessionNames, SessionTable } from "./broker-session.ts";
import { type Kick, Kicks } from "./kicks.ts";
import { type Bounds, type Ruling, ruleOn } from "./ruling.ts";
import type { StormGuard } from "./storm-guard.ts";
import { Strays } from "./strays.ts";

/** The outcome of a proof. */
export type Proven = { readonly identity: Identity } | { readonly refused: string };

/** One question, its answer and what is done about it. */
export interface Judged {
  readonly query: Query;
  readonly decision: Decision;
  readonly ruling: Ruling;
}

/** What an {@link EnforcementPoint} is made of. */
export interface EnforcementParts {
  readonly decider: Decider;
  /** Verifies evidence. What is proven stands for the session from then on, so that no secret is kept. */
  readonly prove: (evidence: Evidence) => Proven | Promise<Proven>;
  readonly supports: Supports;
  readonly bounds: Bounds;
  readonly clock: Clock;
  /** Longest wait for an answer, in milliseconds; well below the broker's own. */
  readonly deadlineMs: number;
  /** Names the denials that are made here. */
  readonly nextId: () => string;
  readonly guard?: StormGuard;
  /** Most sessions at once; default 1,000,000. */
  readonly maxSessions?: number;
  /** Ends a session at the broker; absent: the dialect cannot. */
  readonly kick?: Kick;
  /** After a change: whether what the broker was told of a session still holds. Default: yes. */
  readonly stillFits?: (session: BrokerSession) => boolean | Promise<boolean>;
  /** Told every answer and what is done about it. Must not throw. */
  readonly onJudged?: (judged: Judged) => void;
  readonly onFault?: (fault: unknown) => void;
}

/** Somebody who wants to be let in. */
export interface Arrival {
  readonly names: SessionNames;
  readonly evidence: Evidence | null;
  /** Empty where the dialect does not tell. */
  readonly address: string;
  readonly will?: Will;
}

/** The answer to an {@link Arrival}; with a session where it is let in. */
export interface Admission extends Judged {
  readonly session: BrokerSession | undefined;
}

const sweepMs = 1000;
const defaultMaxSessions = 1_000_000;
/** Sessions that are judged again at a time after a change of everything. */
const rejudgedAtOnce = 64;

export class EnforcementPoint {
  readonly parts: EnforcementParts;
  readonly sessions: SessionTable;
  readonly #decider: Decider;
  readonly #sweep: NodeJS.Timeout;
  readonly #strays: Strays;
  /** Ends sessions at the broker, where it can be told. */
  readonly kicks: Kicks | undefined;

  constructor(parts: EnforcementParts) {
    this.parts = parts;
    this.sessions = new SessionTable(parts.maxSessions ?? defaultMaxSessions);
    this.#decider = boundedDecider(parts.decider, {
      deadlineMs: parts.deadlineMs,
      nextId: parts.nextId,
      onFault: (fault) => parts.onFault?.(fault),
    });
    const { clock, kick, onFault } = parts;
    this.#strays = new Strays(clock.monotonicMs);
    this.kicks =
      kick === undefined
        ? undefined
        : new Kicks({
            kick,
            standsAgain: (clientId) => this.sessions.get(clientId) !== undefined,
            onFault: (fault) => onFault?.(fault),
          });
    this.#sweep = setInterval(() => this.sweep(), sweepMs).unref();
  }

  /** Judges somebody who wants to be let in. */
  async connect(arrival: Arrival): Promise<Admission> {
    const { guard, nextId } = this.parts;
    const { names, evidence, address, will } = arrival;
    const attempt = { evidence, name: names.clientId, address };
    const subject = (proof: Evidence | Identity | null): Subject => ({ client_id: names.clientId, proof });
    const question = (proof: Evidence | Identity | null): SessionQuery & { kind: "connect" } => ({
      kind: "connect",
      subject: subject(proof),
      ...(will === undefined ? {} : { will }),
    });
    if (guard?.admits(attempt) === false) {
      const decision = denial("rate_limited", { id: nextId(), obligations: { retry_after_s: 5 } });
      return { ...this.#rule(question(null), decision), session: undefined };
    }
    const proven = evidence === null ? undefined : await this.#prove(evidence);
    // What is refused is asked as it came: so the denial is the service's own, and on record.
    const query = question(proven !== undefined && "identity" in proven ? proven.identity : evidence);
    const judged = await this.judge(query);
    if (!judged.ruling.allow || judged.ruling.disconnect) return { ...judged, session: undefined };
    guard?.accepted(attempt);
    const session: BrokerSession = {
      names,
      question: query,
      subject: query.subject,
      decision: judged.decision,
      restsOn: new Set(judged.decision.rests_on),
      endsAtMs: this.#endOf(judged.decision),
      ended: false,
    };
    // [MQTT-3.1.4-3] The broker itself ends an earlier session of the same client; one that had to make room is kicked.
    for (const gone of this.sessions.put(session))
      if (gone.names.clientId !== names.clientId) void this.kicks?.start(gone.names, "too many sessions");
    return { ...judged, session };
  }

  /**
   * The session behind a question: of this client, under the user name that it logged in with. One that nobody here let
   * in is thrown out where denials alone would leave it connected, so that it logs in again.
   */
  async sessionOf(clientId: string, username: string | undefined): Promise<BrokerSession | undefined> {
    const session = this.sessions.get(clientId);
    if (session !== undefined)
      return session.names.username === username && !session.ended ? session : undefined;
    if (clientId === "" || this.kicks === undefined || this.parts.supports.denied_publish === "closes")
      return undefined;
    if (this.#strays.due(clientId))
      void this.kicks.start({ clientId, username: username ?? "" }, "its session is not known");
    return undefined;
  }

  /** Judges a question of a session that stands; the session's own time is looked at first. */
  async ask(session: BrokerSession, query: SessionQuery): Promise<Judged> {
    if (this.parts.clock.monotonicMs() >= session.endsAtMs) await this.rejudge(session);
    if (session.ended) {
      const decision = denial("credential_missing", { id: this.parts.nextId() });
      return this.#rule(query, decision);
    }
    const judged = await this.judge(query);
    if (judged.ruling.disconnect) this.end(session, judged.ruling.why);
    else if (judged.ruling.allow) this.#heed(session, judged.decision);
    return judged;
  }

  /** Judges one question. Never rejects. */
  async judge(query: SessionQuery): Promise<Judged> {
    return this.#rule(query, await this.#decider.decide(query));
  }

  /** Asks the connect question of a session again; one that is denied ends. */
  async rejudge(session: BrokerSession): Promise<void> {
    if (session.ended) return;
    const { decision, ruling } = await this.judge(session.question);
    if (session.ended) return;
    if (ruling.allow && !ruling.disconnect) {
      this.sessions.renew(session, decision, this.#endOf(decision));
      return;
    }
    const { clock } = this.parts;
    // A denial that passes by itself costs no session, but it does not prolong one either.
    if (ruling.transient && clock.monotonicMs() < session.endsAtMs) return;
    this.end(session, ruling.why);
  }

  /** Facts or policy changed: sessions that rest on them are judged again. Resolves when all are. */
  async apply(change: Change): Promise<void> {
    const due =
      change.scope === "everything" ? this.sessions.all() : [...this.sessions.restingOn(change.keys)];
    for (let at = 0; at < due.length; at += rejudgedAtOnce)
      await Promise.all(due.slice(at, at + rejudgedAtOnce).map((each) => this.#review(each)));
  }

  /** Ends a session: nothing is allowed any more, and the broker is told where it can be. */
  end(session: BrokerSession, why: string): void {
    if (session.ended) return;
    this.sessions.remove(session);
    this.#strays.thrownOut(session.names.clientId);
    void this.kicks?.start(session.names, why);
  }

  /** The broker says that a session is gone; `connection`: which one of the client's. */
  closed(clientId: string, connection?: number): void {
    const session = this.sessions.get(clientId);
    if (session === undefined) return;
    const { connection: current } = session.names;
    // [MQTT-3.1.4-3] An earlier connection ends after a new one of the same client was let in.
    if (connection !== undefined && current !== undefined && current !== connection) return;
    this.sessions.remove(session);
  }

  /** Judges sessions whose time has come. */
  sweep(): void {
    const nowMs = this.parts.clock.monotonicMs();
    for (const session of this.sessions.all()) if (nowMs >= session.endsAtMs) void this.rejudge(session);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#sweep);
    this.kicks?.[Symbol.dispose]();
  }

  async #review(session: BrokerSession): Promise<void> {
    await this.rejudge(session);
    if (session.ended || this.parts.stillFits === undefined) return;
    if (!(await this.parts.stillFits(session))) this.end(session, "what it was granted has changed");
  }

  async #prove(evidence: Evidence): Promise<Proven> {
    const { deadlineMs, onFault, prove } = this.parts;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<Proven>((resolve) => {
      timer = setTimeout(resolve, deadlineMs, { refused: `no proof within ${deadlineMs} ms` });
    });
    try {
      return await Promise.race([prove(evidence), late]);
    } catch (thrown) {
      onFault?.(thrown);
      return { refused: "the proof could not be looked at" };
    } finally {
      clearTimeout(timer);
    }
  }

  #rule(query: SessionQuery, decision: Decision): Judged {
    const { bounds, onJudged, supports } = this.parts;
    const judged = { query, decision, ruling: ruleOn(supports, query, decision, bounds) };
    onJudged?.(judged);
    return judged;
  }

  /** When a session must be judged again: at the end of its time or of its answer. */
  #endOf({ obligations, valid_until }: Decision): number {
    const { clock } = this.parts;
    const seconds = [obligations.session_ttl_s, obligations.recheck_after_s];
    if (valid_until !== undefined) seconds.push(valid_until - clock.now());
    const known = seconds.filter((each) => each !== undefined);
    return clock.monotonicMs() + Math.max(1, Math.min(...known, Number.MAX_SAFE_INTEGER / 1e6)) * 1000;
  }

  #heed(session: BrokerSession, { obligations }: Decision): void {
    for (const seconds of [obligations.session_ttl_s, obligations.recheck_after_s]) {
      if (seconds === undefined) continue;
      session.endsAtMs = Math.min(
        session.endsAtMs,
        this.parts.clock.monotonicMs() + Math.max(1, seconds) * 1000,
      );
    }
  }
}
