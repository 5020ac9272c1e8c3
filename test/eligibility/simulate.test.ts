import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { RecordKey, RolloutRecord } from "../../src/decision/facts.ts";
import { simulate } from "../../src/eligibility/simulate.ts";
import type { Measured, Simulation, SimulationPlan } from "../../src/eligibility/simulation.ts";
import type { PolicySnapshot } from "../../src/pdp/snapshot.ts";
import { Overrides } from "../../src/registry/overrides.ts";
import type { AnyRecord } from "../../src/registry/stored-record.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import type { Json } from "../cases/table.ts";
import { deviceRecord, tenantRecord } from "../records.ts";
import { releaseRecord, rolloutRecord } from "../releases.ts";
import { patchedSnapshot, shippedSnapshot } from "../shipped.ts";

const now = 1_800_000_000;
const hour = 3600;
const day = 86_400;
const perRing = 6;
const ringNames = ["internal", "canary", "regional", "broad"];
const healthy: Measured = {
  crash_free_ppm: 999_000,
  boot_ok_ppm: 999_900,
  telemetry_ppm: 995_000,
  command_p95_ms: 700,
  failed_ppm: 2_000,
};
const allHealthy = new Map(ringNames.map((name) => [name, healthy]));

/** Rings that are opened a day and an hour apart; each bakes for a day. */
function planned(patch: Partial<RolloutRecord> = {}): RolloutRecord {
  const base = rolloutRecord("ro-1", now);
  const rings = base.rings.map((ring, i) => ({
    ...ring,
    opened_at: now + i * (day + hour),
    health: { samples: 0 },
  }));
  return { ...base, rings, gates: { ...base.gates, min_samples: perRing }, ...patch };
}

function fleetOf(
  rollout = planned(),
  patches: Readonly<Record<string, Json>> = {},
): Map<RecordKey, AnyRecord> {
  const records = new Map<RecordKey, AnyRecord>([
    ["tenant:acme", tenantRecord("acme")],
    ["release:rel-1", releaseRecord("rel-1", "ro-1", now)],
    ["rollout:ro-1", rollout],
  ]);
  for (const [ring, name] of ringNames.entries())
    for (let i = 0; i < perRing; i++) {
      const id = `${name}-${i}`;
      records.set(`device:${id}`, deviceRecord(id, now, { ota: { ring }, ...patches[id] }));
    }
  return records;
}

const snapshot = shippedSnapshot();
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sallyport-simulate-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

async function play(
  patch: Partial<SimulationPlan> = {},
  records = fleetOf(),
  policy: PolicySnapshot = snapshot,
): Promise<Simulation> {
  const clock = new ManualClock(now);
  await using overrides = await Overrides.open({
    dir: mkdtempSync(join(dir, "o-")),
    initialize: true,
    clock,
    reach: () => "everything",
    leavesMark: () => false,
  });
  const plan: SimulationPlan = {
    release: "rel-1",
    env: "prod",
    from: now,
    until: now + 5 * day,
    stepS: hour,
    installS: 1200,
    failsBp: 0,
    samplesPerDevice: 1,
    health: allHealthy,
    happenings: [],
    ...patch,
  };
  return await simulate({ records, snapshot: policy, clock, overrides }, plan);
}

const firsts = ({ rings }: Simulation): (number | undefined)[] =>
  rings.map(({ installs }) => (installs[0] === undefined ? undefined : installs[0] - now));
const installed = ({ rings }: Simulation): number[] => rings.map(({ installs }) => installs.length);
const told = ({ events }: Simulation, word: string): number[] =>
  events.filter(({ what }) => what.includes(word)).map(({ at }) => at - now);

describe("a simulated campaign", () => {
  it("reaches ring after ring, each when it opens and the one before has baked", async () => {
    const simulation = await play();
    expect(installed(simulation)).toEqual([perRing, perRing, perRing, perRing]);
    expect(firsts(simulation)).toEqual([0, 1, 2, 3].map((ring) => ring * (day + hour) + 1200));
    expect(simulation).toMatchObject({ state: "running", others: 0, rollout: "ro-1" });
    expect(simulation.devices.every(({ installed_at }) => installed_at !== undefined)).toBe(true);
    // Sooner than it has baked no ring is passed, however early the next one is opened.
    const early = planned();
    const rings = early.rings.map((ring, i) => ({ ...ring, opened_at: now + i }));
    expect(firsts(await play({}, fleetOf({ ...early, rings })))).toEqual([
      1200,
      day + 1200,
      day + hour + 1200,
      day + 2 * hour + 1200,
    ]);
  });

  it("gives the same answers to the same plan, to each device by its bucket", async () => {
    const quarter = planned();
    const rings = quarter.rings.map((ring) => ({ ...ring, percent_bp: 5000 }));
    const runs = [
      await play({}, fleetOf({ ...quarter, rings })),
      await play({}, fleetOf({ ...quarter, rings })),
    ];
    expect(runs[0]).toEqual(runs[1]);
    const [internal] = (runs[0] as Simulation).rings;
    expect(internal?.installs.length).toBeGreaterThan(0);
    expect(internal?.installs.length).toBeLessThan(perRing);
    expect(internal?.rest).toEqual({ ota_bucket_not_reached: perRing - (internal?.installs.length ?? 0) });
  });

  it("holds where nothing is measured: no data is not health", async () => {
    const simulation = await play({ health: new Map() });
    expect(installed(simulation)).toEqual([perRing, 0, 0, 0]);
    expect(simulation.rings[1]?.rest).toEqual({ ota_gate_insufficient_data: perRing });
    expect(simulation.state).toBe("running");
  });

  it("pauses for good when the canary fails, until a person resumes it", async () => {
    const at = now + day + 3 * hour;
    const sick = { at, act: "measure", ring: "canary", measured: { crash_free_ppm: 994_999 } } as const;
    const well = {
      at: at + hour,
      act: "measure",
      ring: "canary",
      measured: { crash_free_ppm: 999_000 },
    } as const;
    const stopped = await play({ happenings: [sick, well] });
    expect(installed(stopped)).toEqual([perRing, perRing, 0, 0]);
    expect(told(stopped, "paused by sallyport: canary: crash_free_ppm is 994999, the limit 995000")).toEqual([
      at - now,
    ]);
    expect(stopped.state).toBe("paused");
    expect(stopped.rings[3]?.rest).toEqual({ ota_rollout_paused: perRing });
    const resume = { at: now + 4 * day, act: "resume", reason: "one site" } as const;
    const resumed = await play({ happenings: [resume, sick, well] });
    expect(installed(resumed)).toEqual([perRing, perRing, perRing, perRing]);
    expect(firsts(resumed)).toEqual([1200, day + hour + 1200, 4 * day + 1200, 4 * day + hour + 1200]);
    // Resumed while it is still sick, the next answer pauses it again.
    const again = await play({ happenings: [sick, resume] });
    expect(told(again, "paused by sallyport")).toEqual([at - now, 4 * day]);
    expect(again.state).toBe("paused");
  });

  it("lets people pause, open rings and edit the record", async () => {
    const base = planned();
    const rings = base.rings.map((ring, i) => ({ ...ring, opened_at: i === 0 ? ring.opened_at : 0 }));
    const unplanned = fleetOf({ ...base, rings, current_ring: 0 });
    const closed = await play({}, unplanned);
    expect(installed(closed)).toEqual([perRing, 0, 0, 0]);
    const edit = (rollout: RolloutRecord): RolloutRecord => ({
      ...rollout,
      current_ring: 1,
      rings: rollout.rings.map((ring, i) => (i === 1 ? { ...ring, opened_at: now + 2 * day } : ring)),
    });
    const happenings = [{ at: now + 2 * day, act: "edit", what: "canary is opened", edit }] as const;
    const opened = await play({ happenings }, unplanned);
    expect(firsts(opened)).toEqual([1200, 2 * day + 1200, undefined, undefined]);
    const pause = { at: now + 1, act: "pause", reason: "lunch" } as const;
    const paused = await play({ happenings: [pause] });
    expect(installed(paused)).toEqual([perRing, 0, 0, 0]);
    expect(paused.events).toContainEqual({ at: now + 1, what: "paused by a person: lunch" });
  });

  it("counts failed attempts as the devices would, until the policy gives a device up", async () => {
    const simulation = await play({ failsBp: 10_000, health: new Map() });
    expect(installed(simulation)).toEqual([0, 0, 0, 0]);
    expect(simulation.rings[0]).toMatchObject({
      failures: 3 * perRing,
      rest: { ota_attempts_exhausted: perRing },
    });
    expect(simulation.devices.find(({ id }) => id === "internal-0")?.attempts).toBe(3);
    // Unless the plan states it, a ring measures its own failures, which a gate may not like.
    const { failed_ppm: _, ...unstated } = healthy;
    const some = await play({ failsBp: 5000, health: new Map(ringNames.map((name) => [name, unstated])) });
    expect(some.state).toBe("paused");
    expect(told(some, "failed_ppm is").length).toBe(1);
  });

  it("asks the policy it is given: what is urgent there passes every ring at once", async () => {
    const hasty = patchedSnapshot("hasty", { ota: { urgent: ["feature", "remediation", "rollback"] } });
    expect(firsts(await play({ health: new Map() }, fleetOf(), hasty))).toEqual([1200, 1200, 1200, 1200]);
  });

  it("keeps devices as they were: alive, silent, or owing evidence", async () => {
    const patches: Record<string, Json> = {
      "broad-0": { state: { last_seen_at: now - 85 * day }, ota: { ring: 3 } },
      "broad-1": { state: { last_seen_at: now - 200 * day }, ota: { ring: 3 } },
      "broad-2": {
        ota: { ring: 3 },
        state: { reentry_required_since: now - hour },
        attestation: {
          status: "affirming",
          vector: { instance_identity: 2 },
          verifier: "veraison-prod",
          key_fingerprint: "fp-broad-2",
          appraised_at: now - day,
          expires_at: now + day,
        },
      },
      "broad-3": { state: { quarantine: { active: true } }, ota: { ring: 3 } },
    };
    const late = { until: now + 8 * day };
    const simulation = await play(late, fleetOf(planned(), patches));
    const of = (id: string): string | undefined => simulation.devices.find((each) => each.id === id)?.reason;
    expect(simulation.rings[3]?.installs.length).toBe(3);
    expect(of("broad-0")).toBe("ota_eligible");
    expect(of("broad-1")).toBe("device_dormant");
    expect(of("broad-2")).toBe("reentry_evidence_required");
    expect(of("broad-3")).toBe("device_quarantined");
  });

  it("waits for the window of each device's own time zone", async () => {
    const local = Math.floor(now % day);
    const window = { from: (local + 2 * hour) % day, to: (local + 3 * hour) % day };
    const patches = { "internal-0": { ota: { ring: 0, tz_offset_s: hour } } };
    const simulation = await play({ until: now + 6 * hour }, fleetOf(planned({ window }), patches));
    const [internal] = simulation.rings;
    expect(internal?.installs.map((at) => at - now - 1200)).toEqual([
      hour,
      ...Array(perRing - 1).fill(2 * hour),
    ]);
  });

  it("says what the fleet lacks", async () => {
    await expect(play({ release: "rel-9" })).rejects.toThrow("no valid release `rel-9`");
    const records = fleetOf();
    records.delete("rollout:ro-1");
    await expect(play({}, records)).rejects.toThrow("no valid rollout `ro-1`");
  });
});
