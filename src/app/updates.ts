/** Updates in the service: the watch over health gates, and the face of eligibility. */
import type { Peer } from "../decision/identity.ts";
import { GateWatch } from "../eligibility/gate-watch.ts";
import type { Recorder } from "../pdp/desk.ts";
import type { Pdp, PeerDecider } from "../pdp/pdp.ts";
import type { Overrides } from "../registry/overrides.ts";
import type { Registry } from "../registry/registry.ts";
import type { RecordReader } from "../registry/stored-record.ts";
import type { Clock } from "../runtime/clock.ts";
import type { GrpcService } from "../runtime/ports.ts";
import { eligibilityService } from "../services/eligibility-service.ts";

/** Pauses of rollouts: those in force, and how one is set. */
export interface Pauses extends Pick<Overrides, "of"> {
  pause(rollout: string, reason: string): Promise<void>;
}

/** A gate that fails pauses its rollout; only a person resumes it. */
export function watchGates(
  next: Recorder,
  records: RecordReader,
  pauses: Pauses,
  onFault: (fault: unknown) => void,
): GateWatch {
  return new GateWatch(next, {
    facts: () => records,
    pause: async (rollout, reason) => {
      if (pauses.of(`rollout:${rollout}`).length === 0) await pauses.pause(rollout, reason);
    },
    onFault,
  });
}

/** Pauses a rollout by an override of this service. */
export async function pauseRollout(overrides: Overrides, rollout: string, reason: string): Promise<void> {
  if (overrides.of(`rollout:${rollout}`).length > 0) return;
  await overrides.set({ kind: "pause", target: { kind: "rollout", id: rollout }, reason, by: "sallyport" });
}

/** What the service of updates is made of. */
export interface UpdatesParts {
  readonly registry: Pick<Registry, "rollout" | "deviceIdsAfter" | "releaseIds">;
  readonly records: RecordReader;
  readonly overrides: Pick<Overrides, "of">;
  readonly watch: GateWatch;
  readonly pdp: Pdp;
  readonly clock: Clock;
  readonly deciderOf: (peer: Peer) => PeerDecider;
}

/** The service of updates over the parts of the program. */
export function updates(parts: UpdatesParts): GrpcService {
  const { clock, deciderOf, overrides, pdp, records, registry, watch } = parts;
  return eligibilityService({
    deciderOf,
    facts: records,
    recorded: registry,
    idsAfter: (after, limit) => registry.deviceIdsAfter(after, limit),
    releaseIds: () => registry.releaseIds(),
    snapshot: () => pdp.snapshot,
    clock,
    pausesOf: (rollout) => overrides.of(`rollout:${rollout}`),
    onGateFailed: (release) => watch.failed(release),
  });
}
