/**
 * What every enforcement point does with questions and answers, whatever its dialect: identity, question, decision in
 * time, ruling, session. It never throws and always answers; an answer that does not come is a denial.
 */
import { randomUUID } from "node:crypto";
import type { Change } from "../decision/change.ts";
import type { Decider, Decision } from "../decision/decision.ts";
import { denial } from "../decision/denial.ts";
import type { Evidence, Identity } from "../decision/identity.ts";
import type { SessionQuery, Subject, Will } from "../decision/query.ts";
import { boundedDecider } from "../runtime/bounded-decider.ts";
import { type BrokerSession, keyOf, type SessionNames, SessionTable } from "./broker-session.ts";
import type { EnforcementParts, Judged } from "./enforcement-parts.ts";
import { Kicks } from "./kicks.ts";
import { proveInTime } from "./prove-in-time.ts";
import { ruleOn } from "./ruling.ts";
import { adopted, type SharedSession, shared } from "./session-exchange.ts";
import { endAfter, endOfSession } from "./session-time.ts";
import { Strays } from "./strays.ts";

export type { EnforcementParts, Judged } from "./enforcement-parts.ts";

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
            standsAgain: (key) => this.sessions.get(key) !== undefined,
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
    const proven = evidence === null ? undefined : await proveInTime(evidence, this.parts);
    // What is refused is asked as it came: so the denial is the service's own, and on record.
    const query = question(proven !== undefined && "identity" in proven ? proven.identity : evidence);
    const judged = await this.judge(query);
    if (!judged.ruling.allow || judged.ruling.disconnect) return { ...judged, session: undefined };
    guard?.accepted(attempt);
    const session: BrokerSession = {
      id: randomUUID(),
      names,
      question: query,
      subject: query.subject,
      decision: judged.decision,
      restsOn: new Set(judged.decision.rests_on),
      endsAtMs: endOfSession(this.parts.clock, judged.decision),
      ended: false,
    };
    // [MQTT-3.1.4-3] The broker itself ends an earlier session of the same client; one that had to make room is kicked.
    for (const gone of this.sessions.put(session))
      if (keyOf(gone.names) !== keyOf(names)) void this.kicks?.start(gone.names, "too many sessions");
    if (await this.share(session)) return { ...judged, session };
    return { ...this.#rule(query, denial("internal_error", { id: nextId() })), session: undefined };
  }

  /** Tells other processes of a session, and of what it was given. Where that fails it does not stand. */
  async share(session: BrokerSession): Promise<boolean> {
    const { exchange, onFault } = this.parts;
    try {
      await exchange?.opened(shared(session));
    } catch (thrown) {
      onFault?.(thrown);
      this.sessions.remove(session);
    }
    return !session.ended;
  }

  /** Takes over a session that another process let in; `undefined` where another one of the client is here. */
  adopt(told: SharedSession): BrokerSession | undefined {
    const here = this.sessions.get(keyOf(told.names));
    if (here !== undefined) return here.id === told.id ? here : undefined;
    const session = adopted(told);
    this.sessions.put(session);
    return session;
  }

  /** Another process says that a session counts no more. */
  forget(key: string, id: string): void {
    const session = this.sessions.get(key);
    if (session?.id === id) this.sessions.remove(session);
    // Whatever was to end has ended, or another process sees to it.
    this.kicks?.cancel(key);
    this.#strays.thrownOut(key);
  }

  async #found(key: string): Promise<BrokerSession | undefined> {
    const { exchange, onFault } = this.parts;
    if (exchange === undefined || key === "") return undefined;
    try {
      const told = await exchange.find(key);
      return told === undefined ? undefined : this.adopt(told);
    } catch (thrown) {
      onFault?.(thrown);
      return undefined;
    }
  }

  /**
   * The session behind a question: of this client, under the user name that it logged in with. One that nobody here let
   * in is thrown out where denials alone would leave it connected, so that it logs in again.
   */
  async sessionOf(clientId: string, username: string | undefined): Promise<BrokerSession | undefined> {
    const session = this.sessions.get(clientId) ?? (await this.#found(clientId));
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
    else if (judged.ruling.allow)
      session.endsAtMs = endAfter(this.parts.clock, session.endsAtMs, judged.decision);
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
      this.sessions.renew(session, decision, endOfSession(this.parts.clock, decision));
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
      await Promise.all(due.slice(at, at + rejudgedAtOnce).map((each) => this.review(each)));
  }

  /** Ends a session: nothing is allowed any more, and the broker is told where it can be. */
  end(session: BrokerSession, why: string): void {
    if (session.ended) return;
    this.sessions.remove(session);
    this.#strays.thrownOut(keyOf(session.names));
    void this.#end(session, why);
  }

  /** The broker says that a session is gone; `connection`: which one of the client's. */
  closed(key: string, connection?: number): void {
    const session = this.sessions.get(key);
    if (session !== undefined) this.#closed(session, connection);
    else void this.#found(key).then((found) => found && this.#closed(found, connection));
  }

  #closed(session: BrokerSession, connection: number | undefined): void {
    const { connection: current } = session.names;
    // [MQTT-3.1.4-3] An earlier connection ends after a new one of the same client was let in.
    if (connection !== undefined && current !== undefined && current !== connection) return;
    this.sessions.remove(session);
    this.parts.exchange?.gone(keyOf(session.names), session.id);
  }

  /** One of the processes tells the broker. */
  async #end({ id, names }: BrokerSession, why: string): Promise<void> {
    const { exchange, onFault } = this.parts;
    let mine = true;
    if (exchange !== undefined)
      // INVARIANT: who cannot ask tells the broker all the same.
      mine = await exchange.ending(keyOf(names), id).catch((thrown: unknown) => {
        onFault?.(thrown);
        return true;
      });
    if (!mine) return;
    const gone = (): void => exchange?.gone(keyOf(names), id);
    if (this.kicks === undefined) gone();
    else await this.kicks.start(names, why, gone);
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

  /** Judges a session again, and what the broker was given for it. */
  async review(session: BrokerSession): Promise<void> {
    await this.rejudge(session);
    if (session.ended || this.parts.stillFits === undefined) return;
    if (!(await this.parts.stillFits(session))) this.end(session, "what it was granted has changed");
  }

  #rule(query: SessionQuery, decision: Decision): Judged {
    const { bounds, onJudged, supports } = this.parts;
    const judged = { query, decision, ruling: ruleOn(supports, query, decision, bounds) };
    onJudged?.(judged);
    return judged;
  }
}
