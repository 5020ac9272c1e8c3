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
        "shared_credential",
      ),
    })
    .map((patch): TenantRecord => tenantRecord("acme", patch)),
  watermark: mostly(now, fc.constantFrom(now - 31, now - 301)),
});

const credential = fc.record({
  status: mostly("active", fc.constantFrom("revoked", "superseded")),
  bound_at: mostly(now - 10 * day, time),
  last_used_at: mostly(now - 3600, time),
  devices: mostly(1, fc.constant(2)),
  key_protection: mostly("tpm", fc.constant("software")),
  type: mostly("x509", fc.constant("psk")),
  not_before: mostly(now - 900, time),
  not_after: mostly(now + 900, time),
});

/** A device; `id` decides its bucket. */
export const someDevice: fc.Arbitrary<DeviceRecord> = fc
  .record({
    id: fc.integer({ min: 0, max: 400 }),
    class: mostly("meter", fc.constantFrom("sensor", "gateway")),
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
    credential,
    attestation: fc.option(
      fc.record({
        status: mostly("affirming", fc.constantFrom("warning", "contraindicated", "none")),
        vector: fc.dictionary(
          fc.constantFrom("executables", "hardware"),
          fc.constantFrom(2, 33, 96, -97, -33),
          { maxKeys: 2 },
        ),
        verifier: mostly("veraison-prod", fc.constant("somebody")),
        own: mostly(true, fc.constant(false)),
        appraised_at: time,
      }),
    ),
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
  })
  .map((given) => {
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
      credentials: { [fp]: given.credential },
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
  });
