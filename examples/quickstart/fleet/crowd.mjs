// @ts-check
/** Devices by the thousand, in the states that a live fleet has. */
import {
  attested,
  before,
  credential,
  device,
  firmware,
  floor,
  newest,
  ota,
  patched,
  quarantined,
  state,
} from "./records.mjs";

/** @typedef {import("./dice.mjs").Dice} Dice */
/** @typedef {Record<string, unknown>} Fields */
/** @typedef {{ tenant: string, domain: string, class: string, count: number, first: number, extra?: (roll: Dice, id: string) => Fields }} Group */

/**
 * Evidence as it stands in a live fleet: mostly fresh, some old, some bad, some missing.
 * @param {Dice} roll @param {string} fingerprint @param {"zero_trust" | "gateway" | "safety"} kind
 */
export function attestation(roll, fingerprint, kind) {
  const longest = { zero_trust: 55, gateway: 1400, safety: 14 }[kind];
  const base = attested(
    fingerprint,
    roll.between(0, longest),
    kind === "safety" ? { verifier: "hosp-verifier" } : {},
  );
  return roll.pick([
    [90, { attestation: base }],
    [4, { attestation: { ...base, appraised_at: "@-3d", expires_at: "@-2d" } }],
    [2, { attestation: { ...base, status: "warning", vector: { ...base.vector, configuration: 33 } } }],
    [1, { attestation: { ...base, status: "contraindicated", vector: { ...base.vector, executables: 96 } } }],
    [1, { attestation: { ...base, key_fingerprint: "fp-of-another-key" } }],
    [2, {}],
  ]);
}

/** @param {Dice} roll @param {string} id */
function credentials(roll, id) {
  const fingerprint = `fp-${id}`;
  const current = credential({
    bound_at: before(roll.between(1, 360), "d"),
    last_used_at: before(roll.between(1, 47), "h"),
  });
  return roll.pick([
    [72, { [fingerprint]: current }],
    [
      24,
      {
        [`${fingerprint}-old`]: credential({
          status: "superseded",
          bound_at: "@-700d",
          last_used_at: "@-360d",
        }),
        [fingerprint]: current,
      },
    ],
    [2, { [fingerprint]: { ...current, status: "revoked" } }],
    [1, { [fingerprint]: { ...current, devices: roll.between(2, 9) } }],
    [1, { [fingerprint]: { ...current, bound_at: "@-360d", last_used_at: "@-200d" } }],
  ]);
}

/** @param {Dice} roll @param {string} deviceClass */
function crowdFirmware(roll, deviceClass) {
  const top = /** @type {number} */ (newest[deviceClass]);
  const outdated = patched(deviceClass) - 1000;
  return roll.pick([
    [86, firmware(top)],
    [8, firmware(outdated)],
    [1.5, firmware(outdated + 7)],
    [2, firmware(floor(deviceClass) - 1_000_000 + 9000, { svn: 3 })],
    [1, firmware(top, { attested_key: top })],
    [0.5, firmware(top, { attested_key: outdated })],
    [0.5, firmware(top, { channel: "debug" })],
    [0.5, { version: "unknown", key: null, svn: null, channel: "production" }],
  ]);
}

/** @param {Dice} roll */
function crowdState(roll) {
  const seen = before(roll.between(1, 71), "h");
  const base = { last_seen_at: seen, last_seq: roll.between(0, 100_000) };
  const lost = before(roll.between(1, 20), "d");
  return state({
    ...base,
    ...roll.pick([
      [88, {}],
      [1, { lifecycle: "provisioned", last_seen_at: 0, last_seq: 0 }],
      [1, { lifecycle: "enrolled" }],
      [1, { lifecycle: "quarantined", reentry_required_since: lost }],
      [1, { lifecycle: "safe_mode", reentry_required_since: lost }],
      [1, { lifecycle: "recovery", reentry_required_since: lost }],
      [1, { lifecycle: "eol" }],
      [1.5, { lifecycle: "retired" }],
      [1.5, quarantined("constrain", roll.between(1, 20))],
      [0.5, quarantined("block", roll.between(1, 20))],
      [1, { last_seen_at: before(roll.between(100, 400), "d") }],
      [0.5, { signals: [{ type: "publish_rate_anomaly", expires_at: "@+6h" }] }],
      [0.5, { signals: [{ type: "command_failures", expires_at: "@+1d" }] }],
      [0.5, { signals: [{ type: "impossible_travel", expires_at: "@+2d" }] }],
    ]),
  });
}

/** @param {Dice} roll @param {unknown} lifecycle */
function support(roll, lifecycle) {
  if (lifecycle === "eol") return { support_ends_at: "@-200d", eol_at: before(roll.between(5, 60), "d") };
  return roll.pick([
    [95, { support_ends_at: `@+${roll.between(200, 1500)}d`, eol_at: "@+2000d" }],
    [4, { support_ends_at: before(roll.between(1, 300), "d"), eol_at: "@+300d" }],
    [1, { support_ends_at: "@+5d", eol_at: "@+40d" }],
  ]);
}

/** @param {Dice} roll @param {Group} group @param {number} index */
export function crowdDevice(roll, group, index) {
  const id = `${group.class}-${group.first + index}`;
  const itsState = crowdState(roll);
  const abroad = roll.pick([
    [92, {}],
    [5, { home_region: "us-east", regions: ["us-east"] }],
    [3, { regions: ["eu-west", "eu-central"] }],
  ]);
  return device(id, group.tenant, group.domain, group.class, {
    ...abroad,
    hw_rev: roll.pick([
      [3, "r1"],
      [6, "r2"],
      [1, "r3"],
    ]),
    credentials: credentials(roll, id),
    firmware: crowdFirmware(roll, group.class),
    support: support(roll, /** @type {Fields} */ (itsState)["lifecycle"]),
    compliance: roll.pick([
      [96, { status: "compliant" }],
      [1, { status: "unknown" }],
      [1.5, { status: "non_compliant" }],
      [1.5, { status: "non_compliant", exception: { id: "waiver-12", expires_at: "@+60d" } }],
    ]),
    state: itsState,
    ota: ota({
      ring: roll.pick([
        [1, 0],
        [4, 1],
        [30, 2],
        [65, 3],
      ]),
      battery_pct: roll.between(5, 100),
      mains: roll.chance(0.6),
      idle: roll.chance(0.8),
    }),
    ...group.extra?.(roll, id),
  });
}
