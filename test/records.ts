/** Complete records for tests: healthy by default, changed by merge patches. Times are relative to `now`. */
import type { Credential, DeviceRecord, FirmwarePolicyRecord, TenantRecord } from "../src/decision/facts.ts";
import type { Peer } from "../src/decision/identity.ts";
import { type Json, mergePatch } from "./cases/table.ts";

const day = 86_400;

/** A healthy device of tenant `acme`. */
export function deviceRecord(id: string, now: number, patch: Json = {}): DeviceRecord {
  const healthy = {
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
      [`fp-${id}`]: { status: "active", bound_at: now - 100 * day, last_used_at: now - 3600, devices: 1 },
    },
    firmware: {
      version: "2.4.1",
      key: 2004001,
      svn: 7,
      channel: "production",
      components: { modem: 1002000 },
    },
    support: { support_ends_at: now + 1000 * day, eol_at: now + 1400 * day },
    compliance: { status: "compliant" },
    state: {
      lifecycle: "active",
      quarantine: { active: false, mode: "constrain", since: 0, by: "nobody" },
      last_seen_at: now - 3600,
      reentry_required_since: 0,
      last_seq: 0,
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
  };
  const patched = mergePatch(healthy, patch) as Json;
  // A merge patch cannot say null; a device without a result says it so.
  return { ...patched, attestation: patched["attestation"] ?? null } as unknown as DeviceRecord;
}

/** An active tenant under `device_pki`. */
export function tenantRecord(id: string, patch: Json = {}): TenantRecord {
  const active = {
    id,
    status: "active",
    model: "device_pki",
    env: "prod",
    residency: [],
    failover: { active: false, regions: [] },
    support_access_until: 0,
    admission: { min_priority: 0, over_quota: false, retry_after_s: 60 },
    playbook: { impossible_travel: "quarantine", command_failures: "disable_commands" },
    attestation_for_hv: false,
    ota_hold: false,
  };
  return mergePatch(active, patch) as unknown as TenantRecord;
}

/** A firmware floor that a healthy device meets. */
export function floorRecord(
  tenant: string,
  deviceClass: string,
  now: number,
  patch: Json = {},
): FirmwarePolicyRecord {
  const floor = {
    tenant,
    class: deviceClass,
    min_key: 2000000,
    patched_key: 2004000,
    patched_deadline: now - 10 * day,
    blocked: [2003007],
  };
  return mergePatch(floor, patch) as unknown as FirmwarePolicyRecord;
}

/** The facts of a device's own certificate. */
export function certificateFacts(id: string, now: number, patch: Json = {}): Credential {
  const facts = {
    type: "x509",
    trust_domain: "prod.devices.acme.example",
    device_id: id,
    tenant: "acme",
    fingerprint: `fp-${id}`,
    not_before: now - 100 * day,
    not_after: now + 265 * day,
    key_protection: "software",
    usage: "telemetry",
  };
  return mergePatch(facts, patch) as unknown as Credential;
}

/** A broker in production that may vouch for everything. */
export const brokerPeer: Peer = {
  name: "broker",
  env: "prod",
  region: "eu-west",
  endpoint: "ep-telemetry",
  source_zone: "",
  tenants: ["*"],
  kinds: ["*"],
  may_assert: ["credential", "gateway", "actor", "approvals", "break_glass"],
};
