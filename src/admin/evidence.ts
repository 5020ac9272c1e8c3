/** Whether a device has given evidence that is newer than a loss of trust (FACTS.md, lifecycle: "cleared"). */
import type { Attestation, DeviceRecord } from "../decision/facts.ts";

/** AR4SI: a claim of 96 and more, or of -97 and less, is contraindicated; of 32 and more, or -33 and less, a warning. */
function worstIsAffirming(vector: Attestation["vector"]): boolean {
  return Object.values(vector).every((claim) => claim < 32 && claim >= -32);
}

function affirms({ status, vector }: Attestation): boolean {
  return status === "affirming" && worstIsAffirming(vector);
}

/** An affirming attestation, or an active credential bound, strictly later than `since` and not in the future. */
export function hasNewerEvidence(device: DeviceRecord, since: number, now: number): boolean {
  const later = (at: number | undefined): boolean => at !== undefined && at > since && at <= now;
  const { attestation, credentials } = device;
  if (attestation !== null && affirms(attestation) && later(attestation.appraised_at)) return true;
  return Object.values(credentials).some(({ bound_at, status }) => status === "active" && later(bound_at));
}
