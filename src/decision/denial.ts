/** A denial made where no decision was: the fail-closed answer of clients and adapters. */
import type { Decision } from "./decision.ts";
import type { Obligations } from "./obligations.ts";
import { type DenyReason, retryClass } from "./reasons.ts";

/** What a local denial says besides its reason. */
export interface DenialDetails {
  /** Id of this answer; unique. */
  readonly id: string;
  readonly findings?: readonly string[];
  readonly obligations?: Obligations;
}

/**
 * A denial that rests on no facts and no policy. A `backoff` reason carries `retry_after_s: 1` unless
 * `obligations` say otherwise.
 */
export function denial(reason: DenyReason, details: DenialDetails): Decision {
  const retry = retryClass(reason);
  return {
    allow: false,
    reason,
    findings: details.findings ?? [],
    retry,
    obligations: details.obligations ?? (retry === "backoff" ? { retry_after_s: 1 } : {}),
    bundle_revision: "",
    registry_revision: 0,
    registry_age_s: 0,
    decision_id: details.id,
    cached: false,
    rests_on: [],
  };
}
