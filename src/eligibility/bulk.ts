/**
 * Many devices at once: the policy is evaluated once for each combination of bins that its gates tell apart, gate by
 * gate, not once per device. Law: the answers are those of single questions.
 */
import type { DeviceRecord } from "../decision/facts.ts";
import { cutsOf, type Interval, instantsOf, intervalAround, sortedMarks } from "../pdp/cuts.ts";
import type { OtaJudgement } from "../pdp/decide-ota.ts";
import type { FactsReader, Stored } from "../pdp/facts-reader.ts";
import { joinOta } from "../pdp/join-ota.ts";
import type { PeerDecider } from "../pdp/pdp.ts";
import { renderObligations, type Verdict } from "../pdp/result.ts";
import type { PolicySnapshot } from "../pdp/snapshot.ts";
import type { Clock } from "../runtime/clock.ts";
import { type Eligibility, toEligibility } from "./eligibility.ts";
import { compileGates, type Gate } from "./gates.ts";
import { compileNextCut, movesWithDevice, type NextCut } from "./next-cut.ts";
import { Scene } from "./scene.ts";

/** Parts of a {@link Bulk}. */
export interface BulkParts {
  readonly facts: FactsReader;
  readonly clock: Clock;
  readonly snapshot: () => PolicySnapshot | undefined;
  readonly decider: Pick<PeerDecider, "foresee">;
  /** Most remembered combinations; beyond it all are forgotten. Default 200,000. */
  readonly maxClasses?: number;
}

/** What devices of one tenant, model and release have in common, as it was when it was read. */
interface Ground {
  readonly tenant: Stored<unknown> | undefined;
  readonly release: Stored<unknown> | undefined;
  readonly rollout: Stored<{ readonly id: string; readonly state: string }> | undefined;
}

/** What is known of those devices. */
interface Scope {
  readonly ground: Ground;
  readonly gates: readonly Gate[];
  readonly nextCut: NextCut;
  readonly salt: string;
  /** Between these moments no time fact of the ground changes anything. */
  readonly valid: Interval;
  /** Ages of the facts between which nothing changes. */
  readonly lag: Interval;
  /** Time through which they are complete. */
  watermark: number;
  /** The turn in which it was looked at last. */
  turn: number;
  /** Nothing can be remembered: every device is asked by itself. */
  single: boolean;
}

/** Whose word the facts of a device are. */
export type Word = Pick<Stored<unknown>, "source" | "said">;

/** The same text for devices whose facts are of the same sources. */
function wordsOf({ provenance }: DeviceRecord, { said, source = "" }: Word): string {
  if (provenance === undefined && (said === undefined || said.length === 0)) return source;
  const others = (said ?? []).map((each) => each.source);
  return [source, provenance === undefined ? "" : "device", ...new Set(others)].join("\n");
}

const mostClasses = 200_000;

/** A judge of many devices. Not for keeping: one per scan. */
export class Bulk {
  readonly #parts: BulkParts;
  /** By release, then by tenant, then by model, then by whose word the device is. */
  readonly #scopes = new Map<string, Map<string, Map<string, Map<string, Scope>>>>();
  readonly #scene = new Scene();
  #snapshot: PolicySnapshot | undefined;
  #synced = false;
  #turn = 0;
  #counted = 0;
  /** Devices judged so far. */
  judged = 0;
  /** Evaluations of the policy so far. */
  evaluations = 0;
  /** How often gates of the policy contradicted themselves; their devices were asked one by one from then on. */
  contradictions = 0;

  constructor(parts: BulkParts) {
    this.#parts = parts;
  }

  /** Takes the clock and what is in force for the next devices; call it at least once a second of work. */
  begin(): void {
    const { clock, facts, maxClasses = mostClasses, snapshot } = this.#parts;
    const policy = snapshot();
    const { synced } = facts.freshness();
    this.#scene.now = clock.now();
    this.#turn += 1;
    if (policy !== this.#snapshot || synced !== this.#synced || this.#grown() > maxClasses)
      this.#scopes.clear();
    this.#snapshot = policy;
    this.#synced = synced;
  }

  /** Combinations and values that are remembered. */
  get size(): number {
    let size = 0;
    for (const byTenant of this.#scopes.values())
      for (const byModel of byTenant.values())
        for (const byWord of byModel.values())
          for (const { gates } of byWord.values()) for (const gate of gates) size += gate.size;
    return size;
  }

  /** The size, where evaluations can have added to it. */
  #grown(): number {
    if (this.#counted === this.evaluations) return 0;
    this.#counted = this.evaluations;
    return this.size;
  }

  /** The answer for a device and a release; `word`: where its facts are from, as they were read. */
  judge(device: DeviceRecord, release: string, word: Word = {}): Eligibility {
    this.judged += 1;
    const scope = this.#scope(device, release, word);
    if (scope.single) return this.#ask(device.id, release).eligibility;
    const scene = this.#scene;
    scene.look(device, scope.salt);
    const { gates } = scope;
    for (let at = 0; at < gates.length; at++) {
      const said = (gates[at] as Gate).find(scene);
      if (said === true) continue;
      return said === undefined
        ? this.#learn(device.id, release, scope, at)
        : this.#answer(device.id, release, said, scope);
    }
    return this.#learn(device.id, release, scope, gates.length);
  }

  /** Asks the policy; `first` is the first gate that had nothing to say. */
  #learn(id: string, release: string, scope: Scope, first: number): Eligibility {
    const { eligibility, judgement } = this.#ask(id, release);
    const { verdict, cacheable } = judgement.done;
    // The clock moved on meanwhile: the answer is right, and belongs to another moment.
    if (judgement.asking.now !== this.#scene.now || !cacheable) return eligibility;
    const giver = scope.gates.findIndex(({ reasons }) => reasons.has(verdict.reason));
    let sound = giver >= first;
    for (let at = 0; at <= giver; at++)
      if (!(scope.gates[at] as Gate).learn(this.#scene, at === giver ? verdict : true)) sound = false;
    if (!sound) {
      // A gate looks at more than it lists: nothing that it said is trusted any more.
      scope.single = true;
      this.contradictions += 1;
    }
    return eligibility;
  }

  #ask(id: string, release: string): { eligibility: Eligibility; judgement: OtaJudgement } {
    this.evaluations += 1;
    const judgement = this.#parts.decider.foresee({ kind: "ota", device_id: id, release });
    return { judgement, eligibility: toEligibility(id, release, judgement.decision, judgement.asking.now) };
  }

  #answer(id: string, release: string, verdict: Verdict, scope: Scope): Eligibility {
    const { allow, reason, retry } = verdict;
    const { now } = this.#scene;
    const obligations = renderObligations(verdict, now);
    // As a single answer has it: the next cut of any fact, or the facts growing stale unheard.
    const stale = scope.watermark + scope.lag.until;
    const until = Math.min(scope.nextCut(this.#scene), scope.valid.until, stale);
    const valid_until = until === Number.POSITIVE_INFINITY ? undefined : until;
    return toEligibility(id, release, { allow, reason, retry, obligations, valid_until }, now);
  }

  #scope(device: DeviceRecord, release: string, word: Word): Scope {
    let byTenant = this.#scopes.get(release);
    if (byTenant === undefined)
      this.#scopes.set(release, (byTenant = new Map<string, Map<string, Map<string, Scope>>>()));
    let byModel = byTenant.get(device.tenant);
    if (byModel === undefined) byTenant.set(device.tenant, (byModel = new Map<string, Map<string, Scope>>()));
    let byWord = byModel.get(device.model);
    if (byWord === undefined) byModel.set(device.model, (byWord = new Map<string, Scope>()));
    const words = wordsOf(device, word);
    let scope = byWord.get(words);
    if (scope?.turn === this.#turn) return scope;
    const { facts } = this.#parts;
    const ground = this.#ground(device.tenant, release);
    // As old as a single answer about this device is.
    const { watermark } = facts.freshness(joinOta(facts, device.id, release).sources);
    if (scope === undefined || !this.#holds(scope, ground, watermark))
      byWord.set(words, (scope = this.#build(device.model, ground, watermark)));
    scope.watermark = watermark;
    scope.turn = this.#turn;
    return scope;
  }

  #ground(tenant: string, release: string): Ground {
    const { facts } = this.#parts;
    const offered = release === "" ? undefined : facts.release(release);
    const rollout = offered?.record?.rollout ? facts.rollout(offered.record.rollout) : undefined;
    return { tenant: facts.tenant(tenant), release: offered, rollout };
  }

  #holds(scope: Scope, { release, rollout, tenant }: Ground, watermark: number): boolean {
    const { ground, lag, valid } = scope;
    const age = this.#scene.now - watermark;
    return (
      this.#scene.now >= valid.from &&
      this.#scene.now < valid.until &&
      age >= lag.from &&
      age < lag.until &&
      ground.tenant?.revision === tenant?.revision &&
      ground.release?.revision === release?.revision &&
      ground.rollout?.revision === rollout?.revision &&
      // A pause that is set here changes no record.
      ground.rollout?.record?.state === rollout?.record?.state
    );
  }

  #build(model: string, ground: Ground, watermark: number): Scope {
    const { release, rollout, tenant } = ground;
    const always: Interval = { from: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY };
    const none = { ground, gates: [], nextCut: () => 0, salt: "", valid: always, lag: always, watermark };
    const invalid = [tenant, release, rollout].some((stored) => stored?.invalid !== undefined);
    if (this.#snapshot?.inputs.ota === undefined || invalid) return { ...none, turn: 0, single: true };
    const own = {
      tenant: tenant?.record ?? null,
      release: release?.record ?? null,
      rollout: rollout?.record ?? null,
    };
    const cuts = cutsOf(this.#snapshot.cuts, model || modelOf(own.tenant), "ota");
    if (cuts.gates === undefined) return { ...none, turn: 0, single: true };
    const common = cuts.time.filter((cut) => !movesWithDevice(cut));
    const marks = sortedMarks(instantsOf(common, own).map(({ at }) => at));
    return {
      ground,
      gates: compileGates(cuts.gates, cuts.time, own),
      nextCut: compileNextCut(cuts, own),
      salt: rollout?.record?.id ?? "",
      valid: intervalAround(marks, this.#scene.now),
      lag: intervalAround(sortedMarks(cuts.lag), this.#scene.now - watermark),
      watermark,
      turn: 0,
      single: false,
    };
  }
}

function modelOf(tenant: unknown): string {
  return (tenant as { readonly model?: string } | null)?.model ?? "";
}
