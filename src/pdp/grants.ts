/** Grants: the topic filters of a session, for brokers that want a list at connect. */
import type { Decision } from "../decision/decision.ts";

/** One entry of a grant list. Deny entries beat allow entries. */
export interface Grant {
  readonly action: "publish" | "subscribe";
  readonly effect: "allow" | "deny";
  readonly filter: string;
  readonly max_qos: number;
  readonly retain: boolean;
  readonly reason: string;
}

/** The grants of a session; none where the decision denies. */
export interface GrantList {
  readonly decision: Decision;
  readonly grants: readonly Grant[];
  /** Unix seconds at which the list must be asked for again; absent where there is no session. */
  readonly session_expires_at: number | undefined;
}

function isGrant(value: unknown): value is Grant {
  if (typeof value !== "object" || value === null) return false;
  const { action, effect, filter, max_qos, retain, reason } = value as Record<string, unknown>;
  return (
    (action === "publish" || action === "subscribe") &&
    (effect === "allow" || effect === "deny") &&
    typeof filter === "string" &&
    Number.isSafeInteger(max_qos) &&
    typeof retain === "boolean" &&
    typeof reason === "string"
  );
}

/** The grants in a policy result; `undefined` where the result has no valid list. */
export function readGrants(result: unknown): readonly Grant[] | undefined {
  if (typeof result !== "object" || result === null) return undefined;
  const { grants } = result as Record<string, unknown>;
  return Array.isArray(grants) && grants.every(isGrant) ? grants : undefined;
}

/** When a list must be asked for again: at the end of the session or of the decision, whichever comes first. */
export function sessionExpiry(decision: Decision, now: number): number | undefined {
  if (!decision.allow) return undefined;
  const ttl = decision.obligations.session_ttl_s;
  const ends = [ttl === undefined ? undefined : now + ttl, decision.valid_until].filter(
    (end) => end !== undefined,
  );
  return ends.length === 0 ? undefined : Math.min(...ends);
}
