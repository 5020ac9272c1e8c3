/** Fleets for the bench of updates: every fact uniformly at random, or as a grown fleet has them. */
import type { DeviceRecord } from "../src/decision/facts.ts";
import { lifecycles, quarantineModes } from "../src/registry/record-words.ts";
import { deviceRecord } from "../test/records.ts";

const day = 86_400;

/** A generator of numbers in [0, 1), the same in every run. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Makes the device with a number. */
export type Maker = (i: number) => DeviceRecord;

/** Every fact uniformly over its domain; times within 400 days around now. */
export function uniformFleet(now: number, tenants: readonly string[]): Maker {
  const random = seeded(2027);
  const upTo = (most: number): number => Math.floor(random() * (most + 1));
  const one = <T>(of: readonly T[]): T => of[upTo(of.length - 1)] as T;
  const time = (): number => now - 400 * day + upTo(800 * day);
  const bool = (): boolean => random() < 0.5;
  return (i) => {
    const id = `device-${i}`;
    const fp = `fp-${i}`;
    const base = deviceRecord(id, now);
    const eol = time();
    return {
      ...base,
      tenant: one(tenants),
      class: one(["meter", "sensor", "leaf", "camera", "pump"]),
      home_region: one(["eu-west", "eu-north", "us-east", "us-west"]),
      hw_rev: one(["r1", "r2", "r3"]),
      credentials: {
        [fp]: {
          status: one(["active", "superseded", "revoked"] as const),
          bound_at: time(),
          last_used_at: time(),
          devices: 1 + upTo(1),
        },
      },
      firmware: {
        version: "x",
        key: 2_000_000 + upTo(9) * 1000 + upTo(9),
        svn: upTo(12),
        channel: one(["production", "test", "debug"] as const),
        components: { modem: 1_000_000 + upTo(4) * 1000 },
      },
      attestation: bool()
        ? null
        : {
            status: one(["affirming", "warning", "contraindicated", "none"] as const),
            vector: { executables: upTo(255) - 128, hardware: upTo(255) - 128 },
            verifier: one(["veraison-prod", "hosp-verifier", "somebody"]),
            key_fingerprint: one([fp, "fp-other"]),
            appraised_at: time(),
            expires_at: time(),
          },
      support: { support_ends_at: eol, eol_at: eol },
      state: {
        ...base.state,
        lifecycle: one(lifecycles),
        quarantine: { active: bool(), mode: one(quarantineModes), since: 0, by: "nobody" },
        last_seen_at: time(),
        reentry_required_since: bool() ? 0 : time(),
        signals: bool() ? [] : [{ type: one(["impossible_travel", "topic_abuse"]), expires_at: time() }],
      },
      ota: {
        ring: upTo(3),
        attempts: upTo(4),
        last_release: one(["none", "rel-1", "rel-0"]),
        in_progress: one(["", "rel-1", "rel-0"]),
        battery_pct: upTo(100),
        mains: bool(),
        idle: bool(),
        tz_offset_s: 3600 * (upTo(24) - 12),
      },
    };
  };
}

/** A grown fleet: most devices are in order, each with times, versions and a battery of its own. */
export function grownFleet(now: number, tenants: readonly string[]): Maker {
  const random = seeded(7);
  const upTo = (most: number): number => Math.floor(random() * (most + 1));
  const one = <T>(of: readonly T[]): T => of[upTo(of.length - 1)] as T;
  return (i) => {
    const base = deviceRecord(`device-${i}`, now);
    const fate = random();
    const place = random();
    const lifecycle =
      fate < 0.94
        ? "active"
        : fate < 0.96
          ? "retired"
          : fate < 0.97
            ? "enrolled"
            : fate < 0.98
              ? "safe_mode"
              : "active";
    const evidence = random() < 0.6;
    const ends = now + upTo(1500 * day);
    return {
      ...base,
      tenant: one(tenants),
      class: one(["meter", "meter", "meter", "meter", "sensor"]),
      home_region: one(["eu-west", "eu-north", "us-east"]),
      regions: ["eu-west", "eu-north", "us-east"],
      hw_rev: one(["r1", "r2", "r2", "r2"]),
      credentials: {
        [`fp-${i}`]: {
          status: fate > 0.995 ? "revoked" : "active",
          bound_at: now - upTo(300 * day),
          last_used_at: now - upTo(2 * day),
          devices: 1,
        },
      },
      firmware: {
        version: "x",
        key: one([2_004_001, 2_004_001, 2_004_001, 2_004_000, 2_003_004, 2_002_009, 2_005_000]),
        svn: 7,
        channel: "production",
        components: { modem: one([1_002_000, 1_002_000, 1_001_000]) },
      },
      attestation: evidence
        ? {
            status: fate > 0.985 ? "warning" : "affirming",
            vector: { executables: 2, hardware: 2 },
            verifier: "veraison-prod",
            key_fingerprint: `fp-${i}`,
            appraised_at: now - upTo(day),
            expires_at: now + upTo(day),
          }
        : null,
      support: { support_ends_at: ends, eol_at: ends + 100 * day },
      state: {
        ...base.state,
        lifecycle,
        quarantine: { active: fate > 0.98 && fate < 0.99, mode: "constrain", since: 0, by: "nobody" },
        last_seen_at: now - (fate < 0.97 ? upTo(2 * day) : upTo(300 * day)),
        signals: [],
      },
      ota: {
        ring: place < 0.01 ? 0 : place < 0.05 ? 1 : place < 0.3 ? 2 : 3,
        attempts: random() < 0.9 ? 0 : upTo(3),
        last_release: random() < 0.9 ? "none" : "rel-1",
        in_progress: random() < 0.98 ? "" : "rel-1",
        battery_pct: upTo(100),
        mains: random() < 0.8,
        idle: random() < 0.9,
        tz_offset_s: 3600 * upTo(3),
      },
    };
  };
}
