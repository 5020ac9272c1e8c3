/** A seeded fleet of any size: the same records for the same seed, in the shapes of real ones. */
import type { DeviceRecord, FirmwarePolicyRecord, TenantRecord } from "../src/decision/facts.ts";

/** The last midnight (UTC), which everything is relative to: the fleet is the same all day. */
const fleetNow = Math.floor(Date.now() / 86_400_000) * 86_400;
const classes = ["meter", "sensor", "camera", "pump"];
const tenantCount = 50;
const perGateway = 40;

/** Numbers of chance that a seed determines (mulberry32). */
function chance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function hex(random: () => number, digits: number): string {
  let text = "";
  while (text.length < digits)
    text += Math.floor(random() * 0x1_0000_0000)
      .toString(16)
      .padStart(8, "0");
  return text.slice(0, digits);
}

const idOf = (number: number): string => `dev-${String(number).padStart(7, "0")}`;

/** Device `number` of the fleet in its state of `generation`; one in forty is a gateway. */
export function deviceAt(number: number, seed = 1, generation = 0): DeviceRecord {
  const random = chance(Math.imul(number + 1, 2_654_435_761) ^ seed);
  const gateway = number % perGateway === 0;
  const tenant = `tenant-${String(Math.floor(random() * tenantCount)).padStart(2, "0")}`;
  const minor = Math.floor(random() * 10);
  const fingerprint = hex(random, 64);
  const bound = fleetNow - Math.floor(random() * 15_000_000);
  return {
    id: idOf(number),
    tenant,
    class: gateway ? "gateway" : (classes[number % classes.length] ?? "meter"),
    model: random() < 0.02 ? "zero_trust" : "",
    trust_domain: "prod.devices.example",
    home_region: "eu-west",
    regions: ["eu-west", "eu-central"],
    hw_rev: `r${Math.floor(random() * 4)}`,
    zone: "none",
    via: gateway || random() < 0.5 ? [] : [idOf(number - (number % perGateway))],
    credentials: {
      [fingerprint]: {
        status: "active",
        bound_at: bound,
        last_used_at: fleetNow - 600 + generation,
        devices: 1,
        type: "x509",
        not_before: bound,
        not_after: bound + 30_000_000,
      },
    },
    firmware: {
      version: `2.${minor}.1`,
      key: 2_000_001 + minor * 1000,
      svn: minor,
      channel: "production",
      attested_key: 2_000_001 + minor * 1000,
    },
    attestation: {
      status: "affirming",
      vector: { "instance-identity": 2, executables: 2, hardware: 2 },
      verifier: "verifier.example",
      key_fingerprint: fingerprint,
      appraised_at: fleetNow - 900 + generation,
      expires_at: fleetNow + 86_400,
    },
    support: { support_ends_at: fleetNow + 86_400_000, eol_at: fleetNow + 120_000_000 },
    compliance: { status: "compliant" },
    state: {
      lifecycle: "active",
      quarantine: { active: false, mode: "constrain", since: 0, by: "nobody" },
      last_seen_at: fleetNow - 60 + generation,
      reentry_required_since: 0,
      last_seq: 100 + generation,
      signals: [],
    },
    ota: {
      ring: number % 4,
      attempts: 0,
      last_release: "none",
      in_progress: "",
      battery_pct: 80,
      mains: true,
      idle: true,
      tz_offset_s: 0,
    },
    ...(gateway ? { children: perGateway - 1, max_children: 200 } : {}),
  };
}

/** Tenants and firmware policies of the fleet, then its devices one by one: `[kind, record]`. */
export function* fleetOf(
  devices: number,
  seed = 1,
): Generator<readonly [string, DeviceRecord | TenantRecord | FirmwarePolicyRecord]> {
  for (let number = 0; number < tenantCount; number++) {
    const id = `tenant-${String(number).padStart(2, "0")}`;
    yield ["tenant", tenantOf(id)];
    for (const each of [...classes, "gateway"]) yield ["firmware_policy", policyOf(id, each)];
  }
  for (let number = 0; number < devices; number++) yield ["device", deviceAt(number, seed)];
}

function tenantOf(id: string): TenantRecord {
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
  };
}

function policyOf(tenant: string, deviceClass: string): FirmwarePolicyRecord {
  return {
    tenant,
    class: deviceClass,
    min_key: 2_000_000,
    patched_key: 2_000_001,
    patched_deadline: fleetNow - 864_000,
    blocked: [],
  };
}
