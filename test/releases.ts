/** Releases and rollouts for tests: open in every ring and healthy, for meters of the test fleet. */
import type { ReleaseRecord, RolloutRecord } from "../src/decision/facts.ts";

const day = 86_400;

/** A feature release that a healthy test meter can take as a delta. */
export function releaseRecord(id: string, rollout: string, now: number): ReleaseRecord {
  return {
    id,
    rollout,
    env: "prod",
    kind: "feature",
    key: 2_005_000,
    svn: 8,
    tenants: [],
    classes: ["meter"],
    hw_revs: ["r1", "r2"],
    manifest: { verified: true, threshold: 2, expires_at: now + 14 * day },
    signed_by: ["sig-a", "sig-b"],
    approved_by: ["rm-1"],
    approvals_required: 1,
    requires_min_key: 2_003_000,
    delta_from_key: 2_004_001,
    depends: { modem: 1_002_000 },
    conflicts: {},
    provides: {},
    min_battery_pct: 30,
    superseded: false,
  };
}

/** A rollout whose four rings are open, healthy and baked. */
export function rolloutRecord(id: string, now: number): RolloutRecord {
  const health = {
    samples: 500,
    crash_free_ppm: 999_000,
    boot_ok_ppm: 999_900,
    telemetry_ppm: 995_000,
    command_p95_ms: 700,
    failed_ppm: 2_000,
  };
  return {
    id,
    state: "running",
    rings: ["internal", "canary", "regional", "broad"].map((name, i) => ({
      name,
      opened_at: now - (10 - 2 * i) * day,
      percent_bp: 10_000,
      health,
    })),
    current_ring: 3,
    gates: {
      min_samples: 100,
      min_crash_free_ppm: 995_000,
      min_boot_ok_ppm: 999_000,
      min_telemetry_ppm: 980_000,
      max_command_p95_ms: 2_000,
      max_failed_ppm: 20_000,
      bake_s: day,
    },
    held_regions: [],
    owner_approvals: [],
    rollback_from: [],
    max_attempts: 3,
  };
}
