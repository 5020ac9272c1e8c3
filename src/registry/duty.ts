/** What the source of a device's record does not know yet: trust that was lost here, claims that were spent. */
import type { DeviceRecord } from "../decision/facts.ts";
import type { Marks } from "./with-duties.ts";

/** A duty towards one record, as every way back words it. */
export interface Duty {
  /** `device:meter-001`. */
  readonly key: string;
  /** What `state.reentry_required_since` must be at least; 0: the record says so already. */
  readonly reentry_required_since: number;
  /** Fingerprints of claims that are `used` now. */
  readonly spent_claims: readonly string[];
}

/** What of a record says whether it knows. */
export type Told = {
  readonly state?: Partial<DeviceRecord["state"]>;
  readonly credentials?: DeviceRecord["credentials"];
};

/** What a record does not say of what is recorded here; `undefined`: it says all of it. */
export function dutyOf(device: string, record: Told, marks: Marks): Duty | undefined {
  const since = marks.reentrySince(device);
  const reentry_required_since = since > (record.state?.reentry_required_since ?? 0) ? since : 0;
  const spent_claims = Object.entries(record.credentials ?? {})
    .filter(([fingerprint, { claim }]) => claim?.used === false && marks.isSpent(fingerprint))
    .map(([fingerprint]) => fingerprint);
  if (reentry_required_since === 0 && spent_claims.length === 0) return undefined;
  return { key: `device:${device}`, reentry_required_since, spent_claims };
}

/** A duty as a merge patch of the record (RFC 7396). */
export function toPatch({ reentry_required_since, spent_claims }: Duty): object {
  const used = spent_claims.map((fingerprint) => [fingerprint, { claim: { used: true } }] as const);
  return {
    ...(reentry_required_since === 0 ? {} : { state: { reentry_required_since } }),
    ...(used.length === 0 ? {} : { credentials: Object.fromEntries(used) }),
  };
}
