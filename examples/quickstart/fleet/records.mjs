// @ts-check
/** The records that the fleet is made of, each healthy unless told otherwise. */
import { scryptSync } from "node:crypto";

/** @typedef {Record<string, unknown>} Fields */

/** Trust domains of policies/data.yaml. */
export const domains = {
  acme: "prod.devices.acme.example",
  globex: "prod.devices.globex.example",
  hosp: "prod.devices.hosp.example",
  staging: "staging.devices.acme.example",
  lab: "lab.devices.acme.example",
};

/** @param {string} id @param {Fields} fields */
const tenant = (id, fields) => ({
  kind: "tenant",
  record: { id, status: "active", env: "prod", support_access_until: 0, ...fields },
});

const playbook = {
  impossible_travel: "quarantine",
  topic_abuse: "downgrade",
  publish_rate_anomaly: "downgrade",
  command_failures: "disable_commands",
  clock_skew: "observe",
  firmware_mismatch: "quarantine",
};

/** A tenant for each security model, and one that is suspended. */
export const tenants = [
  tenant("acme", { model: "device_pki", playbook }),
  tenant("acme-zt", { model: "zero_trust", playbook }),
  tenant("globex", { model: "gateway_mediated", playbook }),
  tenant("hosp", { model: "safety_segmented", playbook, residency: ["eu-west", "eu-central"] }),
  tenant("acme-lab", { model: "shared_credential", env: "lab" }),
  tenant("acme-staging", { model: "device_pki", env: "staging" }),
  tenant("vandelay", { model: "device_pki", status: "suspended" }),
];

/** Firmware of each class: the newest key, and how far behind it the floors are. */
export const newest = /** @type {Record<string, number>} */ ({
  meter: 2_004_001,
  sensor: 1_007_003,
  camera: 3_002_000,
  gateway: 5_002_000,
  leaf: 1_004_002,
  pump: 4_001_000,
});

/** @param {number} key `major * 1e6 + minor * 1e3 + patch`. */
const version = (key) => `${Math.floor(key / 1e6)}.${Math.floor(key / 1e3) % 1000}.${key % 1000}`;
/** @param {string} deviceClass */
export const patched = (deviceClass) => Math.floor(/** @type {number} */ (newest[deviceClass]) / 1000) * 1000;
/** @param {string} deviceClass */
export const floor = (deviceClass) => Math.floor(/** @type {number} */ (newest[deviceClass]) / 1e6) * 1e6;

/** @param {string} tenantId @param {string} deviceClass */
export const firmwarePolicy = (tenantId, deviceClass) => ({
  kind: "firmware_policy",
  record: {
    tenant: tenantId,
    class: deviceClass,
    min_key: floor(deviceClass),
    patched_key: patched(deviceClass),
    patched_deadline: tenantId === "acme-staging" ? "@+30d" : "@-10d",
    blocked: [patched(deviceClass) - 1000 + 7],
  },
});

/** @param {number} ago @param {string} unit */
export const before = (ago, unit) => `@-${ago}${unit}`;

/** @param {Fields} [fields] */
export const credential = (fields) => ({
  status: "active",
  bound_at: "@-100d",
  last_used_at: "@-1h",
  devices: 1,
  ...fields,
});

/**
 * What a proof by a secret does not carry itself, and the salted verifier of the secret.
 * @param {string} type @param {string} secret
 */
export const bySecret = (type, secret) => {
  const salt = Buffer.from(`salt of ${type}`);
  const hash = scryptSync(secret, salt, 32, { N: 16_384, r: 8, p: 1 });
  return {
    type,
    not_before: "@-10d",
    not_after: "@+20d",
    key_protection: "software",
    usage: "telemetry",
    verifier: `scrypt$16384$8$1$${salt.toString("base64url")}$${hash.toString("base64url")}`,
  };
};

/** @param {string} fingerprint @param {number} minutes @param {Fields} [fields] */
export const attested = (fingerprint, minutes, fields) => ({
  status: "affirming",
  vector: { instance_identity: 2, executables: 2, hardware: 2 },
  verifier: "veraison-prod",
  key_fingerprint: fingerprint,
  appraised_at: before(minutes, "m"),
  expires_at: `@+${24 * 60 - minutes}m`,
  ...fields,
});

/**
 * A healthy device; `over` replaces whole fields.
 * @param {string} id @param {string} tenantId @param {string} domain @param {string} deviceClass @param {Fields} [over]
 */
export const device = (id, tenantId, domain, deviceClass, over) => ({
  kind: "device",
  record: {
    id,
    tenant: tenantId,
    class: deviceClass,
    trust_domain: domain,
    home_region: "eu-west",
    regions: ["eu-west"],
    hw_rev: "r2",
    zone: deviceClass === "pump" ? "or-1" : "none",
    via: [],
    credentials: { [`fp-${id}`]: credential() },
    firmware: firmware(/** @type {number} */ (newest[deviceClass])),
    support: { support_ends_at: "@+1000d", eol_at: "@+1400d" },
    compliance: { status: "compliant" },
    state: state(),
    ota: ota(),
    ...over,
  },
});

/** @param {number} key @param {Fields} [fields] */
export const firmware = (key, fields) => ({
  version: version(key),
  key,
  svn: 7,
  channel: "production",
  ...fields,
});

/** @param {Fields} [fields] */
export const state = (fields) => ({
  lifecycle: "active",
  quarantine: { active: false, mode: "constrain", since: 0, by: "nobody" },
  last_seen_at: "@-1h",
  reentry_required_since: 0,
  last_seq: 0,
  ...fields,
});

/** @param {Fields} [fields] */
export const ota = (fields) => ({
  ring: 2,
  attempts: 0,
  last_release: "none",
  in_progress: "",
  battery_pct: 80,
  mains: true,
  idle: true,
  tz_offset_s: 3600,
  ...fields,
});

/** @param {string} mode @param {number} days */
export const quarantined = (mode, days) => ({
  quarantine: { active: true, mode, since: before(days, "d"), by: "ir-5" },
  reentry_required_since: before(days, "d"),
});
