/** What every way of answering shares: the facts, the clock, the policy in force, and the record of what was said. */
import type { Readings } from "../cache/guards.ts";
import type { Decision } from "../decision/decision.ts";
import type { RecordKey } from "../decision/facts.ts";
import type { Peer } from "../decision/identity.ts";
import type { Query } from "../decision/query.ts";
import type { Tally } from "../log/compose-event.ts";
import type { DecisionLog } from "../log/decision-log.ts";
import type { Clock } from "../runtime/clock.ts";
import { type Answer, answerAround, toDecision } from "./answer.ts";
import type { Evaluated, Moment } from "./evaluate-input.ts";
import type { FactsReader } from "./facts-reader.ts";
import type { QueryLimits } from "./query-check.ts";
import { malformedCode } from "./request-facts.ts";
import { hostVerdict, type Verdict } from "./result.ts";
import type { PolicySnapshot } from "./snapshot.ts";

/** Where decisions are recorded; both calls return at once and never throw. */
export type Recorder = Pick<DecisionLog, "evaluated" | "hit">;

/** Parts of a {@link Desk}. */
export interface DeskParts {
  readonly facts: FactsReader;
  readonly clock: Clock;
  readonly recorder: Recorder;
  readonly queryLimits: QueryLimits;
  /** A policy evaluation failed; the answer was a denial. */
  readonly onFault: (fault: unknown, query: Query) => void;
}

/** A moment with its readings for one query. */
export interface Asking extends Moment, Readings {}

/** What a denial by the host rests on, as far as it came. */
export interface Grounds {
  readonly restsOn?: readonly RecordKey[];
  readonly inputJson?: string | undefined;
  readonly asking?: Asking;
}

/** Denial of a device whose tenant the asking peer is not configured for. */
export const foreignTenant: Verdict = hostVerdict("tenant_mismatch", { alert: "cross_tenant_access" });

/** Whether the device's tenant is outside what the peer may ask about. An unknown device has no tenant. */
export function isForeign(peer: Peer, tenant: string): boolean {
  return tenant !== "" && !peer.tenants.includes("*") && !peer.tenants.includes(tenant);
}

export class Desk {
  readonly facts: FactsReader;
  readonly clock: Clock;
  readonly recorder: Recorder;
  readonly queryLimits: QueryLimits;
  /** The policy in force; `undefined` before the first one. */
  snapshot: PolicySnapshot | undefined;
  readonly #onFault: (fault: unknown, query: Query) => void;

  constructor(parts: DeskParts) {
    this.facts = parts.facts;
    this.clock = parts.clock;
    this.recorder = parts.recorder;
    this.queryLimits = parts.queryLimits;
    this.#onFault = parts.onFault;
  }

  /** The clocks as `query` finds them, and the freshness of the facts of these sources, or of all. */
  asking(query: Query, sources?: readonly string[], now: number = this.clock.now()): Asking {
    const { synced, watermark } = this.facts.freshness(sources);
    return {
      now,
      synced,
      watermark,
      lag: now - watermark,
      age: query.kind === "publish" && query.occurred_at !== undefined ? now - query.occurred_at : 0,
      skew: query.kind === "connect" && query.device_time !== undefined ? now - query.device_time : 0,
    };
  }

  /** The decision of an answer, with its origin. */
  render(answer: Answer, readings: Readings, restsOn: readonly RecordKey[], cached: boolean): Decision {
    const revision = this.snapshot === undefined ? "" : this.snapshot.revision;
    return toDecision(answer, readings, revision, this.facts.revision, restsOn, cached);
  }

  /** Records an evaluated decision. */
  record(peer: Peer, query: Query, decision: Decision, done: Evaluated): Tally | undefined {
    if (done.fault !== undefined) this.#onFault(done.fault, query);
    const { inputJson, detail, evaluationUs } = done;
    return this.recorder.evaluated({ query, peer, decision, inputJson, detail, evaluationUs });
  }

  /** A denial by the host itself, recorded like any other. */
  deny(
    verdict: Verdict,
    peer: Peer,
    query: Query,
    detail: string | undefined,
    { restsOn = [], inputJson, asking = this.asking(query) }: Grounds = {},
  ): Decision {
    const decision = this.render(
      answerAround(verdict, undefined, asking, malformedCode),
      asking,
      restsOn,
      false,
    );
    this.record(peer, query, decision, { verdict, inputJson, detail, cacheable: false, evaluationUs: 0 });
    return decision;
  }

  /** The denial that stands for a fault of this program. */
  fault(thrown: unknown, peer: Peer, query: Query): Decision {
    this.#onFault(thrown, query);
    return this.deny(hostVerdict("internal_error"), peer, query, "the decision failed");
  }

  /** The denial of a service that has no policy. */
  denyWithoutPolicy(peer: Peer, query: Query): Decision {
    return this.deny(hostVerdict("internal_error"), peer, query, "no policy bundle is in force");
  }
}
