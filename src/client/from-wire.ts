/** Messages of `sallyport.v1` as answers. What cannot be understood becomes a denial. */
import type { Decision } from "../decision/decision.ts";
import { denial } from "../decision/denial.ts";
import { type Obligations, obligationNames } from "../decision/obligations.ts";
import { isAllowReason, isDenyReason, type RetryClass, retryClass } from "../decision/reasons.ts";
import * as wire from "../gen/sallyport/v1/decision.ts";

/** One entry of a grant list. Deny entries beat allow entries. */
export interface Grant {
  readonly action: "publish" | "subscribe";
  readonly effect: "allow" | "deny";
  /** MQTT topic filter. */
  readonly filter: string;
  readonly max_qos: number;
  /** Whether retained messages may be published. */
  readonly retain: boolean;
  /** Reason code behind it. */
  readonly reason: string;
}

/** What a session may publish and subscribe to. */
export interface GrantList {
  /** The decision on the session itself; if it denies, there are no grants. */
  readonly decision: Decision;
  readonly grants: readonly Grant[];
  /** Unix seconds by which the grants must be asked for again. */
  readonly session_expires_at?: number;
}

/** An answer with what it rests on; fields as in `Explanation` of the API. */
export type Explanation = Omit<wire.Explanation, "decision"> & { readonly decision: Decision };

const retryClasses: ReadonlyMap<wire.RetryClass, RetryClass> = new Map<wire.RetryClass, RetryClass>([
  [wire.RetryClass.RETRY_CLASS_NEVER, "never"],
  [wire.RetryClass.RETRY_CLASS_REMEDIATE, "remediate"],
  [wire.RetryClass.RETRY_CLASS_BACKOFF, "backoff"],
]);

/** Obligations; unset ones are left out. */
export function fromWireObligations(message: wire.Obligations | undefined): Obligations {
  const obligations: Record<string, unknown> = {};
  if (message === undefined) return obligations;
  for (const name of obligationNames) {
    const value = message[name];
    if (value === undefined || (Array.isArray(value) && value.length === 0)) continue;
    obligations[name] = value;
  }
  return obligations;
}

/**
 * A decision. A missing message, an allow without an allow code and a denial with an unknown code become
 * the denial `internal_error`; the unknown code stays visible in `findings`. `rests_on` is not on the wire.
 */
export function fromWireDecision(message: wire.Decision | undefined, nextId: () => string): Decision {
  if (message === undefined) return denial("internal_error", { id: nextId() });
  const known = message.allow ? isAllowReason(message.reason) : isDenyReason(message.reason);
  if (!known) {
    return denial("internal_error", {
      id: message.decision_id || nextId(),
      findings: [message.reason, ...message.findings],
    });
  }
  const reason = message.reason as Decision["reason"];
  return {
    allow: message.allow,
    reason,
    findings: message.findings,
    ...(isDenyReason(reason) ? { retry: retryClasses.get(message.retry) ?? retryClass(reason) } : {}),
    obligations: fromWireObligations(message.obligations),
    ...(message.valid_until === undefined ? {} : { valid_until: message.valid_until }),
    bundle_revision: message.bundle_revision,
    registry_revision: message.registry_revision,
    registry_age_s: message.registry_age_s,
    decision_id: message.decision_id,
    cached: message.cached,
    rests_on: [],
  };
}

/** A grant list; an entry of an unknown action is dropped, one of an unknown effect denies. */
export function fromWireGrants(message: wire.ListGrantsResponse, nextId: () => string): GrantList {
  const decision = fromWireDecision(message.decision, nextId);
  const grants: Grant[] = [];
  for (const { action, effect, ...rest } of decision.allow ? message.grants : []) {
    if (action !== "publish" && action !== "subscribe") continue;
    grants.push({ action, effect: effect === "allow" ? "allow" : "deny", ...rest });
  }
  const { session_expires_at } = message;
  return { decision, grants, ...(session_expires_at === undefined ? {} : { session_expires_at }) };
}
