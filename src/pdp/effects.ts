/** Duties of the service itself: done durably after the decision and before the answer. */
import type { Decision } from "../decision/decision.ts";
import type { Verdict } from "./result.ts";
import { hostVerdict } from "./result.ts";
import type { Session } from "./session.ts";

/** Durable compare-and-set at the single writer of facts. Both may reject: then the answer is a denial. */
export interface Effects {
  /** Marks a single-use claim as spent; `false` if somebody spent it before. */
  spendClaim(fingerprint: string, deviceId: string): Promise<boolean>;
  /** Requires evidence newer than `since` before the device is trusted again; never lowers an earlier mark. */
  markReentry(deviceId: string, since: number): Promise<void>;
}

const spent = hostVerdict("claim_spent", { alert: "claim_replay" });
const failed = hostVerdict("internal_error", { alert: "effect_failed" });

/** Whether a decision waits for an effect. */
export function needsEffect(decision: Decision): boolean {
  return (
    decision.allow &&
    (decision.obligations.consume_claim === true || decision.obligations.mark_reentry === true)
  );
}

/**
 * Does what an allow asks of the service. Returns `undefined` when it is done, else the verdict that
 * replaces the allow. Never rejects.
 */
export async function applyEffects(
  effects: Effects,
  session: Session,
  decision: Decision,
  now: number,
): Promise<Verdict | undefined> {
  try {
    const { obligations } = decision;
    if (obligations.consume_claim === true) {
      const fingerprint = session.identity?.credential.fingerprint;
      if (fingerprint === undefined) return failed;
      if (!(await effects.spendClaim(fingerprint, session.deviceId))) return spent;
    }
    if (obligations.mark_reentry === true) await effects.markReentry(session.deviceId, now);
    return undefined;
  } catch {
    return failed;
  }
}
