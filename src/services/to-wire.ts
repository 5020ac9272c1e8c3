/** From the domain to our wire. */
import type { Decision } from "../decision/decision.ts";
import type { Obligations } from "../decision/obligations.ts";
import * as wire from "../gen/sallyport/v1/decision.ts";
import type { Explanation } from "../pdp/explanation.ts";
import type { GrantList } from "../pdp/grants.ts";

/** A retry class on the wire. */
export function toWireRetry(retry: Decision["retry"]): wire.RetryClass {
  switch (retry) {
    case undefined:
      return wire.RetryClass.RETRY_CLASS_UNSPECIFIED;
    case "never":
      return wire.RetryClass.RETRY_CLASS_NEVER;
    case "remediate":
      return wire.RetryClass.RETRY_CLASS_REMEDIATE;
    case "backoff":
      return wire.RetryClass.RETRY_CLASS_BACKOFF;
  }
}

/** Obligations on the wire. */
export function toWireObligations(given: Obligations): wire.Obligations {
  return { ...given, notify: given.notify === undefined ? [] : [...given.notify] };
}

/** A decision on the wire. */
export function toWireDecision(decision: Decision): wire.Decision {
  return {
    allow: decision.allow,
    reason: decision.reason,
    findings: decision.findings as string[],
    retry: toWireRetry(decision.retry),
    obligations: toWireObligations(decision.obligations),
    valid_until: decision.valid_until,
    bundle_revision: decision.bundle_revision,
    registry_revision: decision.registry_revision,
    registry_age_s: decision.registry_age_s,
    decision_id: decision.decision_id,
    cached: decision.cached,
  };
}

/** A grant list on the wire. */
export function toWireGrants(list: GrantList): wire.ListGrantsResponse {
  return {
    decision: toWireDecision(list.decision),
    grants: list.grants.map((grant) => ({ ...grant })),
    session_expires_at: list.session_expires_at,
  };
}

/** An explanation on the wire. */
export function toWireExplanation(given: Explanation): wire.Explanation {
  return {
    decision: toWireDecision(given.decision),
    cached: given.cached,
    input_json: given.input_json,
    facts: given.facts.map((fact) => ({ ...fact })),
    bound: given.bound,
    records: given.records.map(({ said, ...record }) => ({ ...record, said: [...said] })),
    summary: given.summary,
  };
}
