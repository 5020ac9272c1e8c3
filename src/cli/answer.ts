import type { Explanation } from "../client/client.ts";
import type { Decision } from "../decision/decision.ts";
import type { Query } from "../decision/query.ts";

/** One question with its answer; explained, where that was asked for. */
export interface Answer {
  readonly query: Query;
  readonly decision: Decision;
  readonly explanation?: Explanation;
}
