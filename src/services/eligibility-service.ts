/** `sallyport.v1.EligibilityService`: who may update, wire to domain and back. */
import type { ServerWritableStream } from "@grpc/grpc-js";
import type { Peer } from "../decision/identity.ts";
import type { Override } from "../decision/override.ts";
import { byMerit, type Candidate, mayConcern } from "../eligibility/best.ts";
import { Bulk } from "../eligibility/bulk.ts";
import { dependencyCircle } from "../eligibility/dependencies.ts";
import { type Eligibility, toEligibility } from "../eligibility/eligibility.ts";
import { ringStatus } from "../eligibility/rollout-status.ts";
import { type ScanParts, scan } from "../eligibility/scan.ts";
import * as wire from "../gen/sallyport/v1/eligibility.ts";
import type { FactsReader } from "../pdp/facts-reader.ts";
import type { PeerDecider } from "../pdp/pdp.ts";
import type { PolicySnapshot } from "../pdp/snapshot.ts";
import type { Clock } from "../runtime/clock.ts";
import { Fault } from "../runtime/fault.ts";
import type { GrpcService } from "../runtime/ports.ts";
import { streaming } from "../server/streaming.ts";
import { unary } from "../server/unary.ts";
import { eligibilityFromWire, toWireEligibility, toWireRing } from "./eligibility-wire.ts";
import { permit } from "./permit.ts";
import { toWireDecision } from "./to-wire.ts";

/** Parts of the service. */
export interface EligibilityServiceParts {
  readonly deciderOf: (peer: Peer) => PeerDecider;
  readonly facts: FactsReader;
  /** Rollouts as the registry records them, without pauses made here. */
  readonly recorded: Pick<FactsReader, "rollout">;
  readonly idsAfter: ScanParts["idsAfter"];
  readonly releaseIds: ScanParts["releaseIds"];
  readonly snapshot: () => PolicySnapshot | undefined;
  readonly clock: Clock;
  readonly pausesOf: (rollout: string) => readonly Override[];
  /** A gate failed in a bulk answer. */
  readonly onGateFailed: (release: string) => void;
}

/** Builds the service. */
export function eligibilityService(parts: EligibilityServiceParts): GrpcService {
  const { clock, deciderOf, facts } = parts;

  const scanParts = (peer: Peer): ScanParts => ({
    facts,
    idsAfter: parts.idsAfter,
    releaseIds: parts.releaseIds,
    bulk: new Bulk({ facts, clock, snapshot: parts.snapshot, decider: deciderOf(peer) }),
    peer,
  });

  const check = async (
    { device_id, release }: wire.CheckEligibilityRequest,
    peer: Peer,
  ): Promise<wire.CheckEligibilityResponse> => {
    permit(peer, "ota");
    const decider = deciderOf(peer);
    const device = facts.device(device_id)?.record;
    const offered = parts.releaseIds().flatMap((id) => facts.release(id)?.record ?? []);
    const candidates =
      release !== "" || device === undefined
        ? []
        : offered
            .filter((each) => mayConcern(each, device))
            .map((each): Candidate => {
              const { asking, decision } = decider.foresee({ kind: "ota", device_id, release: each.id });
              return { release: each, eligibility: toEligibility(device_id, each.id, decision, asking.now) };
            })
            .sort(byMerit);
    const [best, ...others] = candidates;
    const chosen = release !== "" ? release : (best?.release.id ?? "");
    const now = clock.now();
    const decision = await decider.decide({ kind: "ota", device_id, release: chosen });
    return {
      eligibility: toWireEligibility(toEligibility(device_id, chosen, decision, now)),
      decision: toWireDecision(decision),
      considered: others.map(({ eligibility }) => toWireEligibility(eligibility)),
    };
  };

  async function* stream(
    request: wire.StreamEligibilityRequest,
    peer: Peer,
  ): AsyncGenerator<wire.StreamEligibilityResponse> {
    permit(peer, "ota");
    const asked = eligibilityFromWire(request);
    const wanted = new Set(request.answers);
    const tally = new Tally(parts.onGateFailed);
    let pageToken = "";
    for await (const batch of scan(scanParts(peer), asked)) {
      ({ pageToken } = batch);
      for (const [, eligibility] of batch.items) tally.add(eligibility);
      const items = batch.items
        .map(([, eligibility]) => toWireEligibility(eligibility))
        .filter(({ answer }) => wanted.size === 0 || wanted.has(answer));
      if (request.summary_only || items.length === 0) continue;
      yield { part: { $case: "batch", value: { items, page_token: pageToken } } };
    }
    const summary = {
      ...tally.counts(),
      page_token: pageToken,
      bundle_revision: parts.snapshot()?.revision ?? "",
      registry_revision: facts.revision,
    };
    yield { part: { $case: "summary", value: summary } };
  }

  async function getRollout(request: wire.GetRolloutRequest, peer: Peer): Promise<wire.GetRolloutResponse> {
    permit(peer, "ota");
    const release = facts.release(request.release)?.record;
    const visible =
      release !== undefined &&
      (peer.tenants.includes("*") ||
        release.tenants.length === 0 ||
        release.tenants.some((tenant) => peer.tenants.includes(tenant)));
    if (!visible) throw new Fault("not_found", `there is no release \`${request.release}\``);
    const rollout = release.rollout === "" ? undefined : facts.rollout(release.rollout)?.record;
    const [pause] = release.rollout === "" ? [] : parts.pausesOf(release.rollout);
    const all = parts.releaseIds().flatMap((id) => facts.release(id)?.record ?? []);
    const circle = dependencyCircle(release, all);
    const tally = new Tally(parts.onGateFailed);
    const rings = new Map<number, Tally>();
    if (request.with_counts) {
      const asked = eligibilityFromWire({ ...emptyScan, release: release.id });
      for await (const batch of scan(scanParts(peer), asked)) {
        for (const [device, eligibility] of batch.items) {
          if (!mayConcern(release, device)) continue;
          tally.add(eligibility);
          let ring = rings.get(device.ota.ring);
          if (ring === undefined) rings.set(device.ota.ring, (ring = new Tally(() => {})));
          ring.add(eligibility);
        }
      }
    }
    const status = rollout === undefined ? [] : ringStatus(rollout, clock.now());
    return {
      release: release.id,
      rollout: release.rollout,
      state: rollout?.state ?? "",
      recorded_state: parts.recorded.rollout(release.rollout)?.record?.state ?? "",
      pause:
        pause === undefined
          ? undefined
          : { by: pause.by, reason: pause.reason, since: pause.since, id: pause.id },
      current_ring: rollout?.current_ring ?? 0,
      rings: status.map((each, at) => toWireRing(each, rings.get(at)?.counts())),
      holds: holdsOf(rollout?.state, pause),
      problems: circle === undefined ? [] : [`its dependencies lead in a circle: ${circle.join(" needs ")}`],
      ...pick(tally),
      kind: release.kind,
      key: release.key,
    };
  }

  return {
    definition: wire.EligibilityServiceService,
    implementation: {
      checkEligibility: unary(check),
      streamEligibility: streaming(stream) as (call: ServerWritableStream<unknown, unknown>) => void,
      getRollout: unary(getRollout),
    },
  };
}

const emptyScan: wire.StreamEligibilityRequest = {
  release: "",
  filter: undefined,
  answers: [],
  page_size: 0,
  page_token: "",
  summary_only: true,
};

function pick(tally: Tally): { by_answer: Record<string, number>; by_reason: Record<string, number> } {
  const { by_answer, by_reason } = tally.counts();
  return { by_answer, by_reason };
}

function holdsOf(state: string | undefined, pause: Override | undefined): wire.Hold[] {
  if (state === undefined)
    return [
      {
        reason: "ota_rollout_not_running",
        until: undefined,
        detail: "the release names no rollout that is known",
      },
    ];
  if (state === "running") return [];
  const reason =
    state === "paused"
      ? "ota_rollout_paused"
      : state === "aborted"
        ? "ota_rollout_aborted"
        : "ota_rollout_not_running";
  const detail =
    pause === undefined ? `the registry says \`${state}\`` : `paused here by ${pause.by}: ${pause.reason}`;
  return [{ reason, until: undefined, detail }];
}

/** Counts answers. */
class Tally {
  readonly #byAnswer = new Map<string, number>();
  readonly #byReason = new Map<string, number>();
  readonly #onGateFailed: (release: string) => void;
  #devices = 0;

  constructor(onGateFailed: (release: string) => void) {
    this.#onGateFailed = onGateFailed;
  }

  add({ answer, reason, release }: Eligibility): void {
    this.#devices += 1;
    this.#byAnswer.set(answer, (this.#byAnswer.get(answer) ?? 0) + 1);
    this.#byReason.set(reason, (this.#byReason.get(reason) ?? 0) + 1);
    if (reason === "ota_gate_failed") this.#onGateFailed(release);
  }

  counts(): { devices: number; by_answer: Record<string, number>; by_reason: Record<string, number> } {
    return {
      devices: this.#devices,
      by_answer: Object.fromEntries(this.#byAnswer),
      by_reason: Object.fromEntries(this.#byReason),
    };
  }
}
