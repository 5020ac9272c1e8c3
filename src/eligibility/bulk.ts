/**
 * Many devices at once: the policy is evaluated once for each combination of bins that its gates tell apart, gate by
 * gate, not once per device. Law: the answers are those of single questions.
 */
import type { DeviceRecord } from "../decision/facts.ts";
import { bucketOf } from "../pdp/bucket.ts";
import {
  type CutList,
  cutsOf,
  dailyInstants,
  type Interval,
  instantsOf,
  intervalAround,
  sortedMarks,
} from "../pdp/cuts.ts";
import type { OtaJudgement } from "../pdp/decide-ota.ts";
import type { FactsReader } from "../pdp/facts-reader.ts";
import { credentialPart, registeredCredential } from "../pdp/join-ota.ts";
import type { PeerDecider } from "../pdp/pdp.ts";
import { renderObligations, type Verdict } from "../pdp/result.ts";
import type { PolicySnapshot } from "../pdp/snapshot.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Scene } from "./bins.ts";
import { type Eligibility, toEligibility } from "./eligibility.ts";
import { compileGates, type Gate, keyAt } from "./gates.ts";

/** Parts of a {@link Bulk}. */
export interface BulkParts {
  readonly facts: FactsReader;
  readonly clock: Clock;
  readonly snapshot: () => PolicySnapshot | undefined;
  readonly decider: Pick<PeerDecider, "foresee">;
  /** Most remembered combinations; beyond it all are forgotten. */
  readonly maxClasses?: number;
}

/** `true`: the gate passed for this key. */
type Known = Map<string, Verdict | true>;

/** What is common to the devices of one tenant, model and release. */
interface Scope {
  readonly cuts: CutList;
  readonly gates: readonly Gate[];
  readonly known: readonly Known[];
  readonly facts: Readonly<Record<string, unknown>>;
  readonly rolloutState: string;
  readonly salt: string;
  /** Moments of the scope's own time facts, sorted. */
  readonly marks: readonly number[];
  readonly validFrom: number;
  readonly validUntil: number;
  /** Ages of the facts between which nothing changes. */
  readonly lag: Interval;
  /** Gates that contradicted each other: every device is asked by itself. */
  distrusted: boolean;
}

/** A judge of many devices. Not for keeping: one per scan. */
export class Bulk {
  readonly #parts: BulkParts;
  readonly #scopes = new Map<string, Scope>();
  #snapshot: PolicySnapshot | undefined;
  #revision = -1;
  #synced = false;
  #now = 0;
  #watermark = 0;
  #classes = 0;
  /** Evaluations of the policy so far. */
  evaluations = 0;

  constructor(parts: BulkParts) {
    this.#parts = parts;
  }

  /** Takes the clock and what is in force for the next devices; call it at least once a second of work. */
  begin(): void {
    const { clock, facts, snapshot } = this.#parts;
    const policy = snapshot();
    const { synced, watermark } = facts.freshness();
    this.#now = clock.now();
    this.#watermark = watermark;
    const stale = policy !== this.#snapshot || facts.revision !== this.#revision || synced !== this.#synced;
    if (stale || this.#classes > (this.#parts.maxClasses ?? 200_000)) {
      this.#scopes.clear();
      this.#classes = 0;
    }
    this.#snapshot = policy;
    this.#revision = facts.revision;
    this.#synced = synced;
    for (const [key, scope] of this.#scopes) if (!this.#holds(scope)) this.#scopes.delete(key);
  }

  /** The answer for a device and a release. */
  judge(device: DeviceRecord, release: string): Eligibility {
    const scope = this.#scope(device, release);
    if (scope === undefined || scope.distrusted) return this.#single(device.id, release).eligibility;
    const registered = registeredCredential(device);
    const credentials = registered === undefined ? {} : { [registered[0]]: registered[1] };
    const facts = {
      ...scope.facts,
      device: { ...device, credentials },
      credential: credentialPart(device, registered),
    };
    const scene: Scene = { now: this.#now, facts, bucket: () => bucketOf(scope.salt, device.id) };
    const keys: string[] = [];
    for (const [at, gate] of scope.gates.entries()) {
      const key = keyAt(gate, scene);
      keys.push(key);
      const found = (scope.known[at] as Known).get(key);
      if (found === true) continue;
      if (found !== undefined) return this.#answer(device.id, release, found, scope, scene);
      break;
    }
    return this.#learn(device.id, release, scope, scene, keys);
  }

  #learn(id: string, release: string, scope: Scope, scene: Scene, keys: string[]): Eligibility {
    const { eligibility, judgement } = this.#single(id, release);
    const { verdict, cacheable } = judgement.done;
    // The clock moved on meanwhile: the answer is right, and belongs to another moment.
    if (judgement.asking.now !== this.#now || !cacheable) return eligibility;
    const giver = scope.gates.findIndex(({ reasons }) => reasons.has(verdict.reason));
    if (giver < keys.length - 1) {
      scope.distrusted = true;
      return eligibility;
    }
    for (let at = 0; at <= giver; at++) {
      const key = keys[at] ?? keyAt(scope.gates[at] as Gate, scene);
      (scope.known[at] as Known).set(key, at === giver ? verdict : true);
      this.#classes += 1;
    }
    return eligibility;
  }

  #single(id: string, release: string): { eligibility: Eligibility; judgement: OtaJudgement } {
    this.evaluations += 1;
    const judgement = this.#parts.decider.foresee({ kind: "ota", device_id: id, release });
    return { judgement, eligibility: toEligibility(id, release, judgement.decision, judgement.asking.now) };
  }

  #answer(id: string, release: string, verdict: Verdict, scope: Scope, scene: Scene): Eligibility {
    const { allow, reason, retry } = verdict;
    const obligations = renderObligations(verdict, this.#now);
    const valid_until = this.#validUntil(scope, scene);
    return toEligibility(id, release, { allow, reason, retry, obligations, valid_until }, this.#now);
  }

  /** As a single answer has it: the next cut of any fact, or the facts growing stale unheard. */
  #validUntil(scope: Scope, scene: Scene): number | undefined {
    const { cuts, marks } = scope;
    let next = Number.POSITIVE_INFINITY;
    for (const { at } of instantsOf(cuts.time.filter(ofDevice), scene.facts))
      if (at > this.#now && at < next) next = at;
    for (const { at } of dailyInstants(cuts.daily, scene.facts, this.#now))
      if (at > this.#now && at < next) next = at;
    const common = intervalAround(marks, this.#now).until;
    const stale = this.#watermark + scope.lag.until;
    const until = Math.min(next, common, stale);
    return until === Number.POSITIVE_INFINITY ? undefined : until;
  }

  #holds(scope: Scope): boolean {
    const lag = this.#now - this.#watermark;
    if (this.#now < scope.validFrom || this.#now >= scope.validUntil) return false;
    if (lag < scope.lag.from || lag >= scope.lag.until) return false;
    const { facts } = this.#parts;
    const rollout = scope.salt === "" ? undefined : facts.rollout(scope.salt);
    return (rollout?.record?.state ?? "") === scope.rolloutState;
  }

  #scope(device: DeviceRecord, release: string): Scope | undefined {
    const key = `${release}|${device.tenant}|${device.model}`;
    const known = this.#scopes.get(key);
    if (known !== undefined) return known;
    const { facts } = this.#parts;
    const snapshot = this.#snapshot;
    const tenant = facts.tenant(device.tenant);
    const offered = release === "" ? undefined : facts.release(release);
    const rollout = offered?.record?.rollout ? facts.rollout(offered.record.rollout) : undefined;
    const invalid = [tenant, offered, rollout].some((stored) => stored?.invalid !== undefined);
    if (snapshot?.inputs.ota === undefined || invalid) return undefined;
    const cuts = cutsOf(snapshot.cuts, device.model || (tenant?.record?.model ?? ""), "ota");
    if (cuts.gates === undefined) return undefined;
    const own = {
      tenant: tenant?.record ?? null,
      release: offered?.record ?? null,
      rollout: rollout?.record ?? null,
    };
    const common = cuts.time.filter((cut) => !ofDevice(cut));
    const marks = sortedMarks(instantsOf(common, own).map(({ at }) => at));
    const { from, until } = intervalAround(marks, this.#now);
    const gates = compileGates(cuts.gates, cuts.time);
    const scope: Scope = {
      cuts,
      gates,
      known: gates.map(() => new Map()),
      facts: own,
      rolloutState: own.rollout?.state ?? "",
      salt: own.rollout?.id ?? "",
      marks,
      validFrom: from,
      validUntil: until,
      lag: intervalAround(sortedMarks(cuts.lag), this.#now - this.#watermark),
      distrusted: false,
    };
    this.#scopes.set(key, scope);
    return scope;
  }
}

/** Whether a cut is of the device itself, not of what the scan has in common. */
function ofDevice({ fact }: { readonly fact: string }): boolean {
  return fact.startsWith("device.") || fact.startsWith("credential.");
}
