/** Records to build tests from: complete and valid, to be changed one field at a time. */
import type { DeviceRecord, FirmwarePolicyRecord, TenantRecord } from "../../src/decision/facts.ts";

/** Any time in 2027. */
export const now = 1_800_000_000;

export function device(id: string, over: Partial<DeviceRecord> = {}): DeviceRecord {
  return {
    id,
    tenant: "acme",
    class: "meter",
    model: "",
    trust_domain: "prod.devices.acme.example",
    home_region: "eu-west",
    regions: ["eu-west"],
    hw_rev: "r2",
    zone: "none",
    via: [],
    credentials: {
      [`fp-${id}`]: { status: "active", bound_at: now - 8_640_000, last_used_at: now - 3600, devices: 1 },
    },
    firmware: {
      version: "2.4.1",
      key: 2_004_001,
      svn: 7,
      channel: "production",
      components: { modem: 1_002_000 },
    },
    attestation: null,
    support: { support_ends_at: now + 86_400_000, eol_at: now + 120_000_000 },
    compliance: { status: "compliant" },
    state: {
      lifecycle: "active",
      quarantine: { active: false, mode: "constrain", since: 0, by: "nobody" },
      last_seen_at: now - 3600,
      reentry_required_since: 0,
      last_seq: 100,
      signals: [],
    },
    ota: {
      ring: 2,
      attempts: 0,
      last_release: "none",
      in_progress: "",
      battery_pct: 80,
      mains: true,
      idle: true,
      tz_offset_s: 0,
    },
    ...over,
  };
}

/** A claim that these devices come with, and the credential that it is. */
export function claimOf(...device_ids: readonly string[]) {
  const claim = { single_use: true, used: false, device_ids };
  const credential = {
    status: "active",
    bound_at: 1,
    last_used_at: 1,
    devices: 0,
    type: "claim",
    claim,
  } as const;
  return { claim, credential };
}

export function tenant(id: string, over: Partial<TenantRecord> = {}): TenantRecord {
  return {
    id,
    status: "active",
    model: "device_pki",
    env: "prod",
    residency: [],
    failover: { active: false, regions: [] },
    support_access_until: 0,
    admission: { min_priority: 0, over_quota: false, retry_after_s: 60 },
    playbook: { topic_abuse: "downgrade" },
    attestation_for_hv: false,
    ota_hold: false,
    ...over,
  };
}

export function firmwarePolicy(tenantId: string, deviceClass: string): FirmwarePolicyRecord {
  return {
    tenant: tenantId,
    class: deviceClass,
    min_key: 2_000_000,
    patched_key: 2_004_000,
    patched_deadline: now - 864_000,
    blocked: [2_003_007],
  };
}

/** Entries of a source: what a line of a fleet file holds. */
export const entry = {
  device: (id: string, over: Partial<DeviceRecord> = {}) => ({ kind: "device", record: device(id, over) }),
  tenant: (id: string, over: Partial<TenantRecord> = {}) => ({ kind: "tenant", record: tenant(id, over) }),
  policy: (tenantId: string, deviceClass: string) => ({
    kind: "firmware_policy",
    record: firmwarePolicy(tenantId, deviceClass),
  }),
};

/** The text of a fleet file. */
export function ndjson(entries: readonly unknown[]): string {
  return entries.map((each) => `${JSON.stringify(each)}\n`).join("");
}
