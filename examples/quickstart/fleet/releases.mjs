// @ts-check
/** A firmware campaign for the meters of acme: internal and canary done, regional at a quarter, broad to come. */

/** @param {number} samples @param {number} crashFree */
const health = (samples, crashFree) => ({
  samples,
  crash_free_ppm: crashFree,
  boot_ok_ppm: 999_800,
  telemetry_ppm: 994_000,
  command_p95_ms: 640,
  failed_ppm: 2_500,
});

/** The release and the rollout that offers it. */
export const campaign = [
  {
    kind: "release",
    record: {
      id: "meter-2.5.0",
      rollout: "meter-2.5.0-wave-1",
      env: "prod",
      kind: "feature",
      key: 2_005_000,
      svn: 8,
      tenants: ["acme"],
      classes: ["meter"],
      hw_revs: ["r1", "r2"],
      manifest: { verified: true, threshold: 2, expires_at: "@+30d" },
      signed_by: ["release-key-1", "release-key-2"],
      approved_by: ["rm-1"],
      approvals_required: 1,
      requires_min_key: 2_003_000,
      delta_from_key: 2_004_001,
      min_battery_pct: 30,
      superseded: false,
    },
  },
  {
    kind: "rollout",
    record: {
      id: "meter-2.5.0-wave-1",
      state: "running",
      rings: [
        { name: "internal", opened_at: "@-10d", percent_bp: 10_000, health: health(120, 999_100) },
        { name: "canary", opened_at: "@-6d", percent_bp: 10_000, health: health(480, 998_200) },
        { name: "regional", opened_at: "@-2d", percent_bp: 2_500, health: health(2000, 998_400) },
        { name: "broad", opened_at: 0, percent_bp: 10_000, health: { samples: 0 } },
      ],
      current_ring: 2,
      gates: {
        min_samples: 100,
        min_crash_free_ppm: 995_000,
        min_boot_ok_ppm: 999_000,
        min_telemetry_ppm: 980_000,
        max_command_p95_ms: 2000,
        max_failed_ppm: 20_000,
        bake_s: 86_400,
      },
      max_attempts: 3,
    },
  },
];
