/** Duties that all nodes share: a claim is spent once among all of them. */
import type { DutyLedger } from "./duty-ledger.ts";
import type { OverridePlane } from "./override-plane.ts";

/** What of the ledger a decision asks for. */
export type Duties = Pick<DutyLedger, "spendClaim" | "markReentry">;

/**
 * Duties of a node among others. A claim is spent where all agree, first; without the others it cannot be, and the
 * answer is a denial. A loss of trust is recorded here first and shared then.
 */
export function sharedEffects(ledger: DutyLedger, plane: OverridePlane): Duties {
  return {
    spendClaim: async (fingerprint, deviceId) => {
      if (ledger.isSpent(fingerprint)) return false;
      const won = await plane.spendClaim(fingerprint, deviceId);
      // What was heard from the plane meanwhile is our own winning entry as well.
      await ledger.spendClaim(fingerprint, deviceId);
      return won;
    },
    markReentry: async (deviceId, since) => {
      await ledger.markReentry(deviceId, since);
      await plane.shareReentry(deviceId, since);
    },
  };
}
