/** Events of the decision log: OPA's decision log format, with fields of our own beside its own. */
import type { Decision } from "../decision/decision.ts";
import type { Peer } from "../decision/identity.ts";
import type { Query } from "../decision/query.ts";

/** Constant facts about who wrote an event, such as `{ id, version }`. */
export type Labels = Readonly<Record<string, string>>;

/** One evaluated decision, as the evaluator hands it over. */
export interface Evaluation {
  readonly query: Query;
  readonly peer: Peer;
  readonly decision: Decision;
  /** Policy input as evaluated, JSON; absent where the host answered by itself. */
  readonly inputJson: string | undefined;
  /** What was wrong, for people; absent where nothing was. */
  readonly detail: string | undefined;
  /** Time spent in the policy, microseconds. */
  readonly evaluationUs: number;
}

/** What every event has. */
interface Common {
  readonly labels: Labels;
  /** RFC 3339 with nanoseconds, UTC. */
  readonly timestamp: string;
}

/** One decision, or `count` times the same cached one given between `first` and `last`. */
export interface DecisionEvent extends Common {
  /** Of the evaluation; the repeats of a cached answer are counted under the id of the evaluation they repeat. */
  readonly decision_id: string;
  readonly bundles: { readonly sallyport: { readonly revision: string } };
  /** Entrypoint, such as `sallyport/publish`. */
  readonly path: string;
  /** Policy input; where none was evaluated, and for repeats, the question in the same words. */
  input?: unknown;
  /** The decision, without what only its caller needs. */
  result?: unknown;
  /** Paths that the mask removed. */
  erased?: string[];
  /** Paths whose value the mask replaced. */
  masked?: string[];
  /** Name of the peer that asked. */
  readonly requested_by: string;
  readonly metrics?: { readonly timer_rego_query_eval_ns: number };
  readonly reason: string;
  readonly registry_revision: number;
  /** Repeats of a cached answer; absent for a single decision. */
  readonly count?: number;
  readonly first?: string;
  readonly last?: string;
  /** The mask could not be evaluated, so that input and result were left out. */
  mask_failed?: true;
}

/** Decisions that this log does not hold, because the sink was too slow or failed. */
export interface LossEvent extends Common {
  readonly type: "loss";
  /** Decisions lost since the last such event. */
  readonly lost: number;
}

let latestMs = Number.NaN;
let latest = "";

/** Time for an event, from unix milliseconds. */
export function timestamp(wallMs: number): string {
  if (wallMs !== latestMs) {
    latest = `${new Date(wallMs).toISOString().slice(0, -1)}000000Z`;
    latestMs = wallMs;
  }
  return latest;
}
