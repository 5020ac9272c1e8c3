/** One answer: what every face turns into its own words. */
import type { RecordKey } from "./facts.ts";
import type { Obligations } from "./obligations.ts";
import type { Query } from "./query.ts";
import type { Reason, RetryClass } from "./reasons.ts";

/** The answer to one query. Immutable. */
export interface Decision {
  readonly allow: boolean;
  /** The one reason: the first gate that failed, or the allow code. */
  readonly reason: Reason;
  /** Everything else that was found, in gate order. */
  readonly findings: readonly string[];
  /** What may change a denial; absent on an allow. */
  readonly retry?: RetryClass | undefined;
  readonly obligations: Obligations;
  /** Unix seconds at which the question must be asked again; absent: only a change can alter the answer. */
  readonly valid_until?: number | undefined;
  readonly bundle_revision: string;
  readonly registry_revision: number;
  /** Age in seconds of the facts it rests on. */
  readonly registry_age_s: number;
  /** Unique id of this answer, as in the decision log. */
  readonly decision_id: string;
  /** Whether it was answered from the cache. */
  readonly cached: boolean;
  /** Records it rests on, absent ones included. */
  readonly rests_on: readonly RecordKey[];
}

/** Anything that answers questions. Never rejects, never throws. */
export interface Decider {
  decide(query: Query): Decision | Promise<Decision>;
}

/** A decider that answers at once: synchronous and total. */
export interface Evaluator extends Decider {
  decide(query: Query): Decision;
}
