/** Random campaigns over random devices: small domains, so that every gate is met from both sides. */
import fc from "fast-check";
import type { DeviceRecord, ReleaseRecord, RolloutRecord, TenantRecord } from "../../src/decision/facts.ts";
import { deviceRecord, tenantRecord } from "../records.ts";
import { releaseRecord, rolloutRecord } from "../releases.ts";

export const now = 1_800_000_000;
const day = 86_400;

/** Times on both sides of now, some of them exactly at a cut. */
const time = fc.constantFrom(
  0,
  now - 400 * day,
  now - 200 * day,
  now - 90 * day,
  now - 3600,
  now - 1,
  now,
  now + 1,
  now + day,
);

/** Mostly the healthy value, so that the later gates are reached as well. */
function mostly<T>(healthy: T, other: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return fc.oneof({ weight: 6, arbitrary: fc.constant(healthy) }, { weight: 1, arbitrary: other });
}

export const campaign = fc.record({
  release: fc
    .record({
      kind: fc.constantFrom<ReleaseRecord["kind"][]>(
        "feature",
        "feature",
        "security",
        "remediation",
        "rollback",
        "decommission",
      ),
      key: mostly(2_005_000, fc.constantFrom(2_004_000, 2_004_001)),
      svn: mostly(8, fc.constantFrom(6, 7)),
      tenants: mostly<readonly string[]>([], fc.constantFrom(["acme"], ["globex"])),
      superseded: mostly(false, fc.constant(true)),
      conflicts: mostly<Record<string, number>>({}, fc.constant({ modem: 1_002_000 })),
      expires: mostly(now + 14 * day, time),
    })
    .map(({ expires, ...patch }): ReleaseRecord => {
      const base = releaseRecord("rel-1", "ro-1", now);
      return { ...base, ...patch, manifest: { ...base.manifest, expires_at: expires } };
    }),
  rollout: fc
    .record({
      state: mostly<RolloutRecord["state"]>(
        "running",
        fc.constantFrom<RolloutRecord["state"][]>("paused", "aborted", "completed"),
      ),
      held_regions: mostly<readonly string[]>([], fc.constant(["eu-west"])),
      rollback_from: fc
        .constantFrom<(readonly number[])[]>([], [2_004_001], [2_006_000])
        .map((from): readonly number[] => from),
      current_ring: fc.integer({ min: 1, max: 3 }),
      percents: fc.array(fc.constantFrom(0, 2500, 5000, 10_000), { minLength: 4, maxLength: 4 }),
      opened: fc.array(mostly(now - 3 * day, time), { minLength: 4, maxLength: 4 }),
      samples: fc.array(mostly(500, fc.constantFrom(0, 99)), { minLength: 4, maxLength: 4 }),
      crash: fc.array(mostly(999_000, fc.constant(994_999)), { minLength: 4, maxLength: 4 }),
      window: fc.constantFrom(
        undefined,
        undefined,
        { from: 8 * 3600, to: 9 * 3600 },
        { from: 79_200, to: 14_400 },
      ),
    })
    .map(({ percents, opened, samples, crash, window, ...patch }): RolloutRecord => {
      const base = rolloutRecord("ro-1", now);
      const rings = base.rings.map((ring, i) => ({
        ...ring,
        percent_bp: percents[i] as number,
        opened_at: opened[i] as number,
        health: { ...ring.health, samples: samples[i] as number, crash_free_ppm: crash[i] as number },
      }));
      return { ...base, ...patch, rings, ...(window === undefined ? {} : { window }) };
    }),
  tenant: fc
    .record({
      ota_hold: mostly(false, fc.constant(true)),
      model: fc.constantFrom(
        "device_pki",
        "device_pki",
        "zero_trust",
        "safety_segmented",
        "gateway_mediated",
        "shared_credential",
      ),
    })
    .map((patch): TenantRecord => tenantRecord("acme", patch)),
  watermark: mostly(now, fc.constantFrom(now - 31, now - 301)),
  /** Of the source of a few devices. */
  otherWatermark: mostly(now, fc.constantFrom(now - 31, now - 301)),
});

const someCredential = fc.record({
  status: mostly("active", fc.constantFrom("revoked", "superseded")),
  bound_at: mostly(now - 10 * day, time),
  last_used_at: mostly(now - 3600, time),
  devices: mostly(1, fc.constant(2)),
  key_protection: mostly("tpm", fc.constant("software")),
  type: mostly("x509", fc.constantFrom("psk", "claim")),
  not_before: mostly(now - 900, time),
  not_after: mostly(now + 900, time),
});

const evidence = fc.record({
  status: mostly("affirming", fc.constantFrom("warning", "contraindicated", "none")),
  vector: fc.dictionary(fc.constantFrom("executables", "hardware"), fc.constantFrom(2, 33, 96, -97, -33), {
    maxKeys: 2,
  }),
  verifier: mostly("veraison-prod", fc.constant("somebody")),
  own: mostly(true, fc.constant(false)),
  appraised_at: mostly(now - 3600, time),
});

/** What a device is made of; `id` decides its bucket. */
export const someLooks = fc.record({
  id: fc.integer({ min: 0, max: 400 }),
  class: mostly<string>("meter", fc.constantFrom("sensor", "gateway", "toaster")),
  trust_domain: mostly("prod.devices.acme.example", fc.constantFrom("lab.devices.acme.example", "nowhere")),
  home_region: mostly("eu-west", fc.constant("us-east")),
  hw_rev: mostly("r2", fc.constant("r9")),
  key: mostly<number | null>(2_004_001, fc.constantFrom(null, 2_002_000, 2_003_000, 2_005_000, 2_006_000)),
  svn: mostly<number | null>(7, fc.constantFrom(null, 8, 9)),
  channel: mostly("production", fc.constant("debug")),
  components: mostly<Record<string, number> | null>(
    { modem: 1_002_001 },
    fc.constantFrom(null, { modem: 1_002_000 }, { modem: 1 }),
  ),
  credential: mostly<Partial<FcValue<typeof someCredential>> | null>(
    { status: "active", bound_at: now - 10 * day, last_used_at: now - 3600, devices: 1 },
    fc.option(someCredential),
  ),
  attestation: fc.option(evidence),
  eol_at: mostly(now + 1000 * day, time),
  lifecycle: mostly(
    "active",
    fc.constantFrom("provisioned", "enrolled", "quarantined", "safe_mode", "recovery", "eol", "retired"),
  ),
  quarantine: fc.record({
    active: mostly(false, fc.constant(true)),
    mode: fc.constantFrom("constrain", "block"),
  }),
  last_seen_at: mostly(now - 3600, time),
  reentry: mostly(0, time),
  signals: mostly<{ type: string; expires_at: number }[]>(
    [],
    fc.array(fc.record({ type: fc.constantFrom("impossible_travel", "flood"), expires_at: time }), {
      maxLength: 2,
    }),
  ),
  ota: fc.record({
    ring: fc.integer({ min: 0, max: 4 }),
    attempts: fc.integer({ min: 0, max: 4 }),
    last_release: fc.constantFrom("none", "rel-1"),
    in_progress: mostly("", fc.constantFrom("rel-1", "rel-0")),
    battery_pct: fc.constantFrom(29, 30, 80),
    mains: fc.boolean(),
    idle: mostly(true, fc.constant(false)),
    tz_offset_s: fc.constantFrom(0, 3600, -28_800),
  }),
});

type FcValue<T> = T extends fc.Arbitrary<infer V> ? V : never;

/** What a device is made of. */
export type Looks = FcValue<typeof someLooks>;

/** The device. */
export function deviceOf(given: Looks): DeviceRecord {
  const id = `meter-${given.id}`;
  const fp = `fp-${id}`;
  const { attestation } = given;
  const base = deviceRecord(id, now);
  return {
    ...base,
    ...(given.class === "gateway" ? { children: 0, max_children: 9 } : {}),
    class: given.class,
    trust_domain: given.trust_domain,
    home_region: given.home_region,
    hw_rev: given.hw_rev,
    credentials: given.credential === null ? {} : { [fp]: given.credential },
    firmware: {
      version: "x",
      key: given.key,
      svn: given.svn,
      channel: given.channel,
      ...(given.components === null ? {} : { components: given.components }),
    },
    attestation:
      attestation === null
        ? null
        : {
            status: attestation.status,
            vector: attestation.vector,
            verifier: attestation.verifier,
            key_fingerprint: attestation.own ? fp : "fp-other",
            appraised_at: attestation.appraised_at,
            expires_at: now + day,
          },
    support: { support_ends_at: given.eol_at, eol_at: given.eol_at },
    state: {
      ...base.state,
      lifecycle: given.lifecycle,
      quarantine: { ...given.quarantine, since: 0, by: "nobody" },
      last_seen_at: given.last_seen_at,
      reentry_required_since: given.reentry,
      signals: given.signals,
    },
    ota: given.ota,
  } as DeviceRecord;
}

/** A device. */
export const someDevice: fc.Arbitrary<DeviceRecord> = someLooks.map(deviceOf);

const times = [0, now - 400 * day, now - 90 * day, now - 3600, now, now + 1, now + 2, now + day];

/** Looks that differ from `base` in one fact each, over every value that some gate tells from another. */
export function variantsOf(base: Looks): Looks[] {
  const { attestation, credential, ota, quarantine } = base;
  const found: Partial<Looks>[] = [];
  const vary = <K extends keyof Looks>(name: K, values: readonly Looks[K][]): void => {
    for (const value of values) found.push({ [name]: value } as Partial<Looks>);
  };
  const cred = (patch: object): void => vary("credential", [{ ...credential, ...patch }]);
  const sealed = attestation ?? {
    status: "affirming",
    vector: {},
    verifier: "veraison-prod",
    own: true,
    appraised_at: now - 3600,
  };
  vary("class", ["sensor", "gateway", "meter", "toaster"]);
  vary("trust_domain", ["lab.devices.acme.example", "prod.devices.acme.example"]);
  vary("home_region", ["us-east", "eu-west"]);
  vary("hw_rev", ["r9", "r2"]);
  vary("key", [null, 2_002_000, 2_003_000, 2_004_001, 2_005_000, 2_006_000]);
  vary("svn", [null, 7, 9]);
  vary("channel", ["debug", "production"]);
  vary("components", [null, { modem: 1_002_000 }, { modem: 1 }, { modem: 1_002_001 }]);
  vary("eol_at", times);
  vary("lifecycle", [
    "provisioned",
    "enrolled",
    "quarantined",
    "safe_mode",
    "recovery",
    "eol",
    "retired",
    "active",
  ]);
  vary("last_seen_at", times);
  vary("reentry", times);
  vary("signals", [[], ...times.map((expires_at) => [{ type: "impossible_travel", expires_at }])]);
  for (const active of [true, false])
    for (const mode of ["constrain", "block"] as const) vary("quarantine", [{ ...quarantine, active, mode }]);
  vary("credential", [null]);
  for (const status of ["revoked", "superseded", "active"]) cred({ status });
  for (const at of times) {
    cred({ bound_at: at });
    cred({ last_used_at: at });
    cred({ not_before: at });
    cred({ not_after: at });
  }
  cred({ devices: 2 });
  for (const key_protection of ["software", "tpm"]) cred({ key_protection });
  for (const type of ["psk", "claim", "x509"]) cred({ type });
  vary("attestation", [null, sealed]);
  for (const status of ["warning", "contraindicated", "none", "affirming"] as const)
    vary("attestation", [{ ...sealed, status }]);
  for (const vector of [{}, { hardware: 33 }, { hardware: 96 }, { hardware: -97 }, { executables: -33 }])
    vary("attestation", [{ ...sealed, vector } as typeof sealed]);
  vary("attestation", [
    { ...sealed, verifier: "somebody" },
    { ...sealed, own: false },
  ]);
  for (const appraised_at of times) vary("attestation", [{ ...sealed, appraised_at }]);
  const rest: readonly Partial<Looks["ota"]>[] = [
    ...[0, 1, 2, 3, 4].map((ring) => ({ ring })),
    ...[0, 2, 3].map((attempts) => ({ attempts })),
    { last_release: "none" },
    { last_release: "rel-1" },
    { in_progress: "" },
    { in_progress: "rel-0" },
    { in_progress: "rel-1" },
    { battery_pct: 29 },
    { battery_pct: 30 },
    { mains: true },
    { mains: false },
    { idle: true },
    { idle: false },
    { tz_offset_s: 0 },
    { tz_offset_s: -28_800 },
  ];
  for (const patch of rest) vary("ota", [{ ...ota, ...patch }]);
  // Ids apart from those of others; each has a bucket of its own.
  return found.map((patch, i) => ({ ...base, ...patch, id: 1000 + i }));
}

const sealed: NonNullable<Looks["attestation"]> = {
  status: "affirming",
  vector: { executables: 2 },
  verifier: "veraison-prod",
  own: true,
  appraised_at: now - 3600,
};

/** A device that may update now, where its ring may. */
export const inOrder: Looks = {
  id: 500,
  class: "meter",
  trust_domain: "prod.devices.acme.example",
  home_region: "eu-west",
  hw_rev: "r2",
  key: 2_004_001,
  svn: 7,
  channel: "production",
  components: { modem: 1_002_001 },
  credential: {
    status: "active",
    bound_at: now - 10 * day,
    last_used_at: now - 3600,
    devices: 1,
    key_protection: "tpm",
  },
  attestation: null,
  eol_at: now + 1000 * day,
  lifecycle: "active",
  quarantine: { active: false, mode: "constrain" },
  last_seen_at: now - 3600,
  reentry: 0,
  signals: [],
  ota: {
    ring: 2,
    attempts: 2,
    last_release: "none",
    in_progress: "",
    battery_pct: 80,
    mains: false,
    idle: true,
    tz_offset_s: 0,
  },
};

const credentialled = (patch: object): Looks => ({
  ...inOrder,
  credential: { ...inOrder.credential, ...patch },
});

/** Devices that stand before one gate each, so that every fact of it decides for one of their variants. */
export const bases: readonly Looks[] = [
  inOrder,
  credentialled({ type: "x509", not_before: now - 900, not_after: now + 900 }),
  credentialled({ type: "x509", not_before: now - 400 * day, not_after: now + day }),
  credentialled({ type: "psk" }),
  credentialled({ devices: 2 }),
  credentialled({ bound_at: now - 400 * day }),
  credentialled({ last_used_at: now - 400 * day }),
  credentialled({ bound_at: now - 400 * day, last_used_at: now - 400 * day }),
  { ...inOrder, attestation: sealed },
  { ...inOrder, reentry: now - 7200, attestation: sealed },
  { ...inOrder, reentry: now - 7200, attestation: sealed, lifecycle: "recovery" },
  { ...inOrder, reentry: now - 11 * day },
  { ...inOrder, reentry: now - 7200 },
  { ...inOrder, reentry: now - 11 * day, eol_at: now - day },
  { ...inOrder, lifecycle: "safe_mode", signals: [{ type: "impossible_travel", expires_at: now + 60 }] },
  {
    ...inOrder,
    lifecycle: "safe_mode",
    eol_at: now - day,
    signals: [{ type: "impossible_travel", expires_at: now + 60 }],
  },
  {
    ...inOrder,
    last_seen_at: now - 100 * day,
    signals: [{ type: "impossible_travel", expires_at: now + 60 }],
  },
  {
    ...inOrder,
    last_seen_at: now - 100 * day,
    eol_at: now - day,
    signals: [{ type: "impossible_travel", expires_at: now + 60 }],
  },
  { ...inOrder, reentry: now - 7200, attestation: sealed, eol_at: now - day },
  { ...inOrder, reentry: now - 7200, eol_at: now - 60 * day },
  { ...inOrder, eol_at: now - day },
  { ...inOrder, eol_at: now - day, quarantine: { active: true, mode: "constrain" } },
  { ...inOrder, quarantine: { active: true, mode: "constrain" } },
  { ...inOrder, quarantine: { active: true, mode: "constrain" }, lifecycle: "safe_mode" },
  { ...inOrder, lifecycle: "safe_mode" },
  { ...inOrder, lifecycle: "safe_mode", eol_at: now - day },
  { ...inOrder, lifecycle: "safe_mode", quarantine: { active: true, mode: "constrain" }, eol_at: now - day },
  { ...inOrder, lifecycle: "enrolled" },
  { ...inOrder, last_seen_at: now - 100 * day },
  { ...inOrder, last_seen_at: now - 100 * day, quarantine: { active: true, mode: "constrain" } },
  {
    ...inOrder,
    last_seen_at: now - 100 * day,
    eol_at: now - day,
    quarantine: { active: true, mode: "constrain" },
  },
  { ...inOrder, last_seen_at: now - 100 * day, eol_at: now - day },
  { ...inOrder, ota: { ...inOrder.ota, last_release: "rel-1" } },
  { ...inOrder, ota: { ...inOrder.ota, last_release: "rel-1", attempts: 4 } },
  { ...inOrder, ota: { ...inOrder.ota, battery_pct: 29 } },
];

type Campaign = FcValue<typeof campaign>;

function campaignOf(
  release: Partial<ReleaseRecord>,
  rollout: Partial<RolloutRecord> = {},
  model = "device_pki",
): Campaign {
  return {
    release: { ...releaseRecord("rel-1", "ro-1", now), ...release },
    rollout: { ...rolloutRecord("ro-1", now), ...rollout },
    tenant: tenantRecord("acme", { model }),
    watermark: now,
    otherWatermark: now,
  };
}

const halfway = rolloutRecord("ro-1", now).rings.map((ring, i) =>
  i < 2 ? ring : { ...ring, percent_bp: 5000, health: i === 3 ? { samples: 0 } : ring.health },
);
const owners = { owner_approvals: ["ward-2"] };

/** Campaigns in order, each with gates of its own in the way. */
export const campaigns: readonly Campaign[] = [
  campaignOf({ kind: "feature" }),
  campaignOf(
    { kind: "feature", conflicts: { modem: 1_002_000 }, depends: {} },
    { held_regions: ["us-east"] },
  ),
  campaignOf({ kind: "security" }, { rings: halfway, current_ring: 2 }),
  campaignOf({ kind: "feature" }, { window: { from: 28_800, to: 32_400 } }),
  campaignOf({ kind: "remediation" }),
  campaignOf(
    { kind: "rollback", key: 2_003_000, requires_min_key: 2_000_000 },
    { rollback_from: [2_004_001] },
  ),
  campaignOf({ kind: "decommission" }),
  campaignOf({ kind: "feature" }, {}, "zero_trust"),
  campaignOf({ kind: "feature" }, {}, "gateway_mediated"),
  campaignOf({ kind: "remediation" }, owners, "safety_segmented"),
];

const everyKind = ["feature", "security", "remediation", "rollback", "decommission"];

/** Sites that leave other releases to other states: what the shipped one never lets decide does there. */
export const sites: readonly Readonly<Record<string, readonly string[]>>[] = [
  {
    quarantined: everyKind,
    blocked: [],
    safe_mode: [],
    enrolled: everyKind,
    recovery: [],
    eol: [],
    eol_past: everyKind,
  },
  {
    quarantined: everyKind,
    safe_mode: everyKind,
    recovery: everyKind,
    reentry: [],
    dormant: [],
    eol: [],
    eol_past: [],
  },
  {
    quarantined: [],
    safe_mode: everyKind,
    reentry: everyKind,
    dormant: [],
    eol: everyKind,
    eol_past: [],
    reviewed: [],
  },
];
