/** What became of the devices of a simulated campaign, ring by ring and one by one. */
import type { ReleaseRecord, RolloutRecord } from "../decision/facts.ts";
import type { SimulatedDevice } from "./simulated-device.ts";
import type { SimulatedOutcome, SimulatedRing } from "./simulation.ts";

function nameOf({ rings }: RolloutRecord, ring: number): string {
  return rings[ring]?.name ?? `ring ${ring}`;
}

/** Every ring that the rollout plans or a device is in. `failed` counts failed installations by ring. */
export function ringsOf(
  devices: readonly SimulatedDevice[],
  rollout: RolloutRecord,
  failed: readonly number[],
): SimulatedRing[] {
  const places = new Set([...rollout.rings.keys(), ...devices.map(({ ring }) => ring)]);
  return [...places]
    .sort((a, b) => a - b)
    .map((place) => {
      const here = devices.filter(({ ring }) => ring === place);
      const rest: Record<string, number> = {};
      for (const { had, installedAt, said } of here) {
        if (had || installedAt !== undefined || said === undefined) continue;
        rest[said.reason] = (rest[said.reason] ?? 0) + 1;
      }
      return {
        name: nameOf(rollout, place),
        devices: here.length,
        had: here.filter(({ had }) => had).length,
        installs: here.flatMap(({ installedAt }) => installedAt ?? []).sort((a, b) => a - b),
        failures: failed[place] ?? 0,
        rest,
      };
    });
}

/** Every device, in the order of ids. */
export function outcomesOf(
  devices: readonly SimulatedDevice[],
  rollout: RolloutRecord,
  release: ReleaseRecord,
): SimulatedOutcome[] {
  return devices.map(({ id, installedAt, record, ring, said }) => ({
    id,
    ring: nameOf(rollout, ring),
    installed_at: installedAt,
    answer: said?.answer ?? "none",
    reason: said?.reason ?? "ota_already_current",
    attempts: record.ota.last_release === release.id ? record.ota.attempts : 0,
  }));
}
