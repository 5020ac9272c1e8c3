/** A rollout as an operator reads it: its rings, what was measured against each gate, and what holds it. */
import type { Ring, RolloutGates, RolloutRecord } from "../decision/facts.ts";
import type { Reason } from "../decision/reasons.ts";

/** One gate of a ring. */
export interface GateStatus {
  readonly name: string;
  readonly limit: number | undefined;
  readonly measured: number | undefined;
  readonly verdict: "pass" | "fail" | "no_data";
}

/** What holds a ring or a rollout. */
export interface Hold {
  readonly reason: Reason;
  readonly until: number | undefined;
  readonly detail: string;
}

/** One ring. */
export interface RingStatus {
  readonly ring: Ring;
  readonly gates: readonly GateStatus[];
  readonly bakedAt: number | undefined;
  readonly hold: Hold | undefined;
}

const metrics = [
  ["crash_free_ppm", "min_crash_free_ppm", "least"],
  ["boot_ok_ppm", "min_boot_ok_ppm", "least"],
  ["telemetry_ppm", "min_telemetry_ppm", "least"],
  ["command_p95_ms", "max_command_p95_ms", "most"],
  ["failed_ppm", "max_failed_ppm", "most"],
] as const;

/** The gates that a ring must pass for the next one. */
export function gatesOf({ health }: Ring, gates: RolloutGates): GateStatus[] {
  const enough = health.samples >= gates.min_samples;
  const samples: GateStatus = {
    name: "samples",
    limit: gates.min_samples,
    measured: health.samples,
    verdict: enough ? "pass" : "no_data",
  };
  return [
    samples,
    ...metrics.map(([name, bound, side]): GateStatus => {
      const measured = health[name];
      const limit = gates[bound];
      const good =
        measured !== undefined &&
        limit !== undefined &&
        (side === "least" ? measured >= limit : measured <= limit);
      return { name, limit, measured, verdict: enough ? (good ? "pass" : "fail") : "no_data" };
    }),
  ];
}

function failure(rings: readonly Ring[], gates: RolloutGates): Hold | undefined {
  for (const ring of rings) {
    const failed = gatesOf(ring, gates).filter(({ verdict }) => verdict === "fail");
    const [first] = failed;
    if (first === undefined) continue;
    const { limit, measured, name } = first;
    const words = `${ring.name}: ${name} is ${measured ?? "not measured"}, the limit ${limit ?? "not set"}`;
    return { reason: "ota_gate_failed", until: undefined, detail: words };
  }
  return undefined;
}

/** What keeps a ring from the release, in the order of the policy; buckets and devices aside. */
function holdOf(at: number, { current_ring, gates, rings }: RolloutRecord, now: number): Hold | undefined {
  const failed = failure(rings.slice(0, at + 1), gates);
  if (failed !== undefined) return failed;
  const earlier = rings.slice(0, at);
  const scarce = earlier.find(({ health }) => health.samples < gates.min_samples);
  if (scarce !== undefined) {
    const detail = `${scarce.name}: ${scarce.health.samples} of ${gates.min_samples} samples`;
    return { reason: "ota_gate_insufficient_data", until: undefined, detail };
  }
  const raw = earlier.find(({ opened_at }) => opened_at === 0 || now < opened_at + gates.bake_s);
  if (raw !== undefined) {
    const until = raw.opened_at === 0 ? undefined : raw.opened_at + gates.bake_s;
    return { reason: "ota_gate_baking", until, detail: `${raw.name} has not baked for ${gates.bake_s} s` };
  }
  const ring = rings[at];
  if (ring === undefined || at > current_ring || ring.opened_at === 0 || now < ring.opened_at) {
    const until = ring !== undefined && ring.opened_at > now ? ring.opened_at : undefined;
    const detail = at > current_ring ? `the rollout is at ring ${current_ring}` : "it opens later";
    return { reason: "ota_ring_not_open", until, detail };
  }
  return undefined;
}

/** Every ring at `now`. */
export function ringStatus(rollout: RolloutRecord, now: number): RingStatus[] {
  return rollout.rings.map((ring, at) => ({
    ring,
    gates: gatesOf(ring, rollout.gates),
    bakedAt: ring.opened_at === 0 ? undefined : ring.opened_at + rollout.gates.bake_s,
    hold: holdOf(at, rollout, now),
  }));
}
