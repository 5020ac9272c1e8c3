/** One device of a simulated campaign: the record that it would have, and what became of its installations. */
import type { CredentialRecord, DeviceRecord, ReleaseRecord } from "../decision/facts.ts";
import type { Eligibility } from "./eligibility.ts";

/** A device on its way through the campaign. */
export interface SimulatedDevice {
  readonly id: string;
  readonly ring: number;
  /** Its record as of the start, with every installation since then. */
  record: DeviceRecord;
  /** Whether it ran the release before the campaign. */
  readonly had: boolean;
  /** When the installation under way ends; `undefined`: none is. */
  installingUntil: number | undefined;
  /** Since when it runs the release; `undefined`: it does not, or had it before. */
  installedAt: number | undefined;
  /** The last answer. */
  said: Eligibility | undefined;
  /** When it must be asked again even where nothing changed. */
  askAt: number;
  /** The state of the campaign at which it was asked last. */
  asked: number;
}

/** A device before anything happened. */
export function untouched(record: DeviceRecord, release: ReleaseRecord): SimulatedDevice {
  return {
    id: record.id,
    ring: record.ota.ring,
    record,
    had: record.firmware?.key === release.key,
    installingUntil: undefined,
    installedAt: undefined,
    said: undefined,
    askAt: 0,
    asked: -1,
  };
}

/** The record of a device that has begun to install `release`: the attempt counts from here. */
export function installing(record: DeviceRecord, release: ReleaseRecord): DeviceRecord {
  const { ota } = record;
  const attempts = ota.last_release === release.id ? ota.attempts + 1 : 1;
  return { ...record, ota: { ...ota, attempts, last_release: release.id, in_progress: release.id } };
}

/** The record of a device whose installation has ended, with the new firmware or without. */
export function ended(record: DeviceRecord, release: ReleaseRecord, succeeded: boolean): DeviceRecord {
  const idle: DeviceRecord = { ...record, ota: { ...record.ota, in_progress: "" } };
  if (!succeeded || record.firmware === undefined) return idle;
  const { key, provides, svn } = release;
  const components = { ...record.firmware.components, ...provides };
  return { ...idle, firmware: { ...record.firmware, version: release.id, key, svn, components } };
}

/**
 * The record `elapsed` seconds later, of a device that goes on as it was: it reports, renews its evidence and its
 * credential as often as before. Trust that was lost is not found again by that: what was bound or appraised stays where
 * it was for a device that owes evidence.
 */
export function aged(record: DeviceRecord, elapsed: number): DeviceRecord {
  if (elapsed === 0) return record;
  const { attestation, credentials, state } = record;
  const owes = state.reentry_required_since > 0;
  const later = Object.create(null) as Record<string, CredentialRecord>;
  for (const [fingerprint, each] of Object.entries(credentials)) {
    const { last_used_at, not_after, not_before } = each;
    later[fingerprint] = {
      ...each,
      last_used_at: last_used_at + elapsed,
      ...(not_before === undefined ? {} : { not_before: not_before + elapsed }),
      ...(not_after === undefined ? {} : { not_after: not_after + elapsed }),
    };
  }
  return {
    ...record,
    credentials: later,
    state: { ...state, last_seen_at: state.last_seen_at + elapsed },
    attestation: attestation === null || owes ? attestation : renewed(attestation, elapsed),
  };
}

type Attestation = NonNullable<DeviceRecord["attestation"]>;

function renewed(attestation: Attestation, elapsed: number): Attestation {
  const { appraised_at, expires_at } = attestation;
  return {
    ...attestation,
    ...(appraised_at === undefined ? {} : { appraised_at: appraised_at + elapsed }),
    ...(expires_at === undefined ? {} : { expires_at: expires_at + elapsed }),
  };
}
