/** Answers given afresh with their grounds: explanations and grant lists. Recorded, not remembered. */
import type { Decision } from "../decision/decision.ts";
import type { RecordKey, RecordKind } from "../decision/facts.ts";
import type { Peer } from "../decision/identity.ts";
import type { CommandQuery, OtaQuery, Query, SessionQuery } from "../decision/query.ts";
import { answerAround } from "./answer.ts";
import { judgeConsume, type ServiceQuery } from "./decide-consume.ts";
import { judgeOta } from "./decide-ota.ts";
import type { DecisionCore } from "./decision-core.ts";
import { type Asking, type Desk, foreignTenant, isForeign } from "./desk.ts";
import { type Evaluated, evaluateInput } from "./evaluate-input.ts";
import { boundOf, type Explanation, factsUsed, type RecordUsed, summarize } from "./explanation.ts";
import type { FactsReader, Stored } from "./facts-reader.ts";
import { type GrantList, readGrants, sessionExpiry } from "./grants.ts";
import { type CommandAuthority, type Joined, joinCommand, joinSession } from "./join.ts";
import { isUnfit, type Prepared, prepare } from "./prepare.ts";
import { checkQuery } from "./query-check.ts";
import {
  commandFacts,
  grantFacts,
  malformedCode,
  questionCode,
  questionText,
  requestFacts,
} from "./request-facts.ts";
import { hostVerdict } from "./result.ts";
import type { Session } from "./session.ts";
import type { Entrypoint, PolicySnapshot } from "./snapshot.ts";

interface Seen {
  readonly joined: Joined;
  readonly prepared: Prepared | undefined;
  readonly done: Evaluated;
}

const invalidGrants = hostVerdict("internal_error", { alert: "policy_result_invalid" });

/** Explains decisions and lists grants. */
export class Examiner {
  readonly #desk: Desk;
  readonly #core: DecisionCore;

  constructor(desk: Desk, core: DecisionCore) {
    this.#desk = desk;
    this.#core = core;
  }

  /** Explains the answer to a device's own question. */
  explain(session: Session, query: SessionQuery): Explanation {
    const { snapshot, facts, queryLimits } = this.#desk;
    if (snapshot === undefined || checkQuery(query, queryLimits) !== undefined) {
      return ungrounded(this.#core.decide(session, query));
    }
    const joined = joinSession(facts, session);
    const asking = this.#desk.asking(query, joined.sources);
    const cached = this.#core.cache.wouldHit(session.key, questionText(query), questionCode(query), asking);
    const request = requestFacts(session, query, asking.now);
    const seen = examine(
      snapshot,
      session.peer,
      joined,
      query.kind,
      asking,
      request,
      this.#desk.clock.monotonicMs,
    );
    return this.#explanation(seen, session.peer, query, asking, cached);
  }

  /** Explains the answer to a command. */
  explainCommand(peer: Peer, query: CommandQuery, authority: CommandAuthority): Explanation {
    const { snapshot, facts, queryLimits } = this.#desk;
    if (snapshot === undefined || checkQuery(query, queryLimits) !== undefined) {
      return ungrounded(this.#core.decideCommand(peer, query, authority));
    }
    const joined = joinCommand(facts, query.device_id, query.via, authority);
    const asking = this.#desk.asking(query, joined.sources);
    const seen = examine(
      snapshot,
      peer,
      joined,
      "command",
      asking,
      commandFacts(peer, query),
      this.#desk.clock.monotonicMs,
    );
    return this.#explanation(seen, peer, query, asking, false);
  }

  /** Explains the answer to an OTA question. */
  explainOta(peer: Peer, query: OtaQuery): Explanation {
    const { decision, done, joined, prepared, asking } = judgeOta(this.#desk, peer, query);
    this.#desk.record(peer, query, decision, done);
    if (joined === undefined) return ungrounded(decision);
    return this.#grounds({ joined, prepared, done }, decision, asking, false);
  }

  /** Explains the answer to a back-end; of a publish, whether it may be on the broker. */
  explainService(session: Session, query: ServiceQuery): Explanation {
    const filter = query.kind === "consume" || query.kind === "subscribe" ? query.filter : undefined;
    const { decision, done, joined, prepared, asking } = judgeConsume(this.#desk, session, query, filter);
    this.#desk.record(session.peer, query, decision, done);
    if (joined === undefined) return ungrounded(decision);
    return this.#grounds({ joined, prepared, done }, decision, asking, false);
  }

  /** The topic filters that a back-end may read. */
  serviceGrants(session: Session): GrantList {
    const query: SessionQuery = { kind: "connect", subject: { client_id: session.clientId, proof: null } };
    const { decision, done, asking } = judgeConsume(this.#desk, session, query, undefined);
    this.#desk.record(session.peer, query, decision, done);
    const grants = decision.allow ? readGrants(done.result) : [];
    return grants === undefined
      ? withoutGrants(this.#desk.deny(invalidGrants, session.peer, query, "the list is malformed"))
      : { decision, grants, session_expires_at: sessionExpiry(decision, asking.now) };
  }

  /** The topic filters of a session. */
  grants(session: Session): GrantList {
    const { snapshot, facts } = this.#desk;
    const query: SessionQuery = { kind: "connect", subject: { client_id: session.clientId, proof: null } };
    if (snapshot === undefined) {
      return withoutGrants(this.#desk.denyWithoutPolicy(session.peer, query));
    }
    const joined = joinSession(facts, session);
    const asking = this.#desk.asking(query, joined.sources);
    const seen = examine(
      snapshot,
      session.peer,
      joined,
      "grants",
      asking,
      grantFacts(session),
      this.#desk.clock.monotonicMs,
    );
    const grants = seen.done.verdict.allow ? readGrants(seen.done.result) : [];
    const done = grants === undefined ? { ...seen.done, verdict: invalidGrants } : seen.done;
    const decision = this.#render({ ...seen, done }, session.peer, query, asking);
    return { decision, grants: grants ?? [], session_expires_at: sessionExpiry(decision, asking.now) };
  }

  #render(seen: Seen, peer: Peer, query: Query, asking: Asking): Decision {
    const answer = answerAround(seen.done.verdict, seen.prepared, asking, malformedCode);
    const decision = this.#desk.render(answer, asking, seen.joined.restsOn, false);
    this.#desk.record(peer, query, decision, seen.done);
    return decision;
  }

  #explanation(seen: Seen, peer: Peer, query: Query, asking: Asking, cached: boolean): Explanation {
    return this.#grounds(seen, this.#render(seen, peer, query, asking), asking, cached);
  }

  #grounds(seen: Seen, decision: Decision, asking: Asking, cached: boolean): Explanation {
    const { joined, prepared, done } = seen;
    const bound = boundOf(prepared, asking.now, asking.watermark);
    return {
      decision,
      cached,
      input_json: done.inputJson ?? "",
      facts: factsUsed(prepared?.instants ?? [], asking.now),
      bound,
      // What belongs to another tenant is not shown.
      records:
        done.verdict === foreignTenant
          ? []
          : joined.restsOn.map((key) => recordUsed(this.#desk.facts, key, asking.lag)),
      summary: summarize(decision, bound, done.detail),
    };
  }
}

/** Evaluates one entrypoint on joined facts, without cache and record. */
export function examine(
  snapshot: PolicySnapshot,
  peer: Peer,
  joined: Joined,
  entrypoint: Entrypoint,
  asking: Asking,
  request: Record<string, unknown>,
  monotonicMs: () => number,
): Seen {
  const host = (verdict: Evaluated["verdict"], detail: string): Seen => ({
    joined,
    prepared: undefined,
    done: { verdict, inputJson: undefined, detail, cacheable: false, evaluationUs: 0 },
  });
  if (isForeign(peer, joined.tenant)) {
    return host(foreignTenant, "the asking peer is not configured for the device's tenant");
  }
  const prepared = prepare(snapshot, entrypoint, joined);
  if (isUnfit(prepared)) return host(hostVerdict(prepared.reason), prepared.detail);
  return {
    joined,
    prepared,
    done: evaluateInput(snapshot, entrypoint, prepared, request, asking, monotonicMs),
  };
}

function recordUsed(facts: FactsReader, key: RecordKey, lagS: number): RecordUsed {
  const stored = readRecord(facts, key);
  if (stored === undefined) return { key, state: "absent", revision: 0, source: "", age_s: lagS, said: [] };
  const { invalid, revision, said = [], source = "" } = stored;
  const ageOf = (name: string): number => facts.sourceAgeS?.(name) ?? lagS;
  return {
    key,
    state: invalid === undefined ? "found" : "invalid",
    revision,
    source,
    age_s: ageOf(source),
    said: said.map((each) => ({ ...each, age_s: ageOf(each.source) })),
  };
}

function readRecord(facts: FactsReader, key: RecordKey): Stored<unknown> | undefined {
  const colon = key.indexOf(":");
  const id = key.slice(colon + 1);
  const kind = key.slice(0, colon) as RecordKind;
  switch (kind) {
    case "device":
      return facts.device(id);
    case "tenant":
      return facts.tenant(id);
    case "release":
      return facts.release(id);
    case "rollout":
      return facts.rollout(id);
    case "service":
      return facts.service(id);
    case "firmware_policy": {
      const slash = id.indexOf("/");
      return facts.firmwarePolicy(id.slice(0, slash), id.slice(slash + 1));
    }
    case "report":
      // Joined into the device that it speaks of.
      return undefined;
    default:
      return kind satisfies never;
  }
}

/** An explanation of a decision that the host gave without looking at any fact. */
export function ungrounded(decision: Decision): Explanation {
  const summary = summarize(decision, undefined, undefined);
  return { decision, cached: false, input_json: "", facts: [], bound: undefined, records: [], summary };
}

/** The empty list of a session that is denied. */
export function withoutGrants(decision: Decision): GrantList {
  return { decision, grants: [], session_expires_at: undefined };
}
