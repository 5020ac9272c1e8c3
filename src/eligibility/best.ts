/** The best release for a device: what it may take first, urgent before new, else what it waits for. */
import type { DeviceRecord, ReleaseKind, ReleaseRecord } from "../decision/facts.ts";
import { type Eligibility, eligibilityAnswers } from "./eligibility.ts";

/** A release with its answer for one device. */
export interface Candidate {
  readonly release: ReleaseRecord;
  readonly eligibility: Eligibility;
}

// Mending comes before news, forward before back, and the end of a device last.
const order: readonly ReleaseKind[] = ["remediation", "security", "rollback", "feature", "decommission"];

/** Whether a release can be for the device at all, before anything is asked. */
export function mayConcern(release: ReleaseRecord, device: Pick<DeviceRecord, "class" | "tenant">): boolean {
  return (
    release.classes.includes(device.class) &&
    (release.tenants.length === 0 || release.tenants.includes(device.tenant))
  );
}

/** Whoever comes first is better: an answer that does something, then urgency, then security and version. */
export function byMerit(a: Candidate, b: Candidate): number {
  const welcome =
    Math.max(0, eligibilityAnswers.indexOf(a.eligibility.answer) - 1) -
    Math.max(0, eligibilityAnswers.indexOf(b.eligibility.answer) - 1);
  if (welcome !== 0) return welcome;
  const urgency = order.indexOf(a.release.kind) - order.indexOf(b.release.kind);
  if (urgency !== 0) return urgency;
  if (a.release.svn !== b.release.svn) return b.release.svn - a.release.svn;
  if (a.release.key !== b.release.key) return b.release.key - a.release.key;
  return a.release.id < b.release.id ? -1 : 1;
}
