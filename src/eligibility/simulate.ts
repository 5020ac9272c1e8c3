/**
 * A campaign played through before it is shipped: virtual time, the records of a fleet file, the policy itself. What
 * this file adds is the world around the policy (devices that install, rings that measure, people who act); who gets the
 * release when is what the policy answers, and a gate that fails latches its pause as it does in the service.
 */
import { setImmediate as breathe } from "node:timers/promises";
import type { DeviceRecord, RecordKey, ReleaseRecord, RolloutRecord } from "../decision/facts.ts";
import type { Peer } from "../decision/identity.ts";
import { discardDecisions } from "../log/decision-log.ts";
import { bucketOf } from "../pdp/bucket.ts";
import { judgeOta } from "../pdp/decide-ota.ts";
import { Desk } from "../pdp/desk.ts";
import { defaultQueryLimits } from "../pdp/query-check.ts";
import type { PolicySnapshot } from "../pdp/snapshot.ts";
import type { Overrides } from "../registry/overrides.ts";
import type { AnyRecord } from "../registry/stored-record.ts";
import { withOverrides } from "../registry/with-overrides.ts";
import type { ManualClock } from "../runtime/clock.ts";
import { Fault } from "../runtime/fault.ts";
import { mayConcern } from "./best.ts";
import { Bulk } from "./bulk.ts";
import { GateWatch } from "./gate-watch.ts";
import { ringStatus } from "./rollout-status.ts";
import { ended, installing, type SimulatedDevice, untouched } from "./simulated-device.ts";
import { SimulatedRecords } from "./simulated-records.ts";
import type { Happening, Measured, SimulatedEvent, Simulation, SimulationPlan } from "./simulation.ts";
import { outcomesOf, ringsOf } from "./simulation-report.ts";

/** What a campaign is played with. */
export interface SimulationParts {
  readonly records: ReadonlyMap<RecordKey, AnyRecord>;
  readonly snapshot: PolicySnapshot;
  /** Stands at the start of the plan. */
  readonly clock: ManualClock;
  /** A store of its own, empty. */
  readonly overrides: Overrides;
}

/** Devices asked between two looks at whether a gate has failed. */
const roundSize = 256;

/** Plays a campaign through. Throws `not_found` where release or rollout are not in the fleet file. */
export async function simulate(parts: SimulationParts, plan: SimulationPlan): Promise<Simulation> {
  const campaign = new Campaign(parts, plan);
  for (let at = plan.from; ; at = campaign.next(at)) {
    await campaign.round(at);
    if (at >= plan.until) return campaign.told();
  }
}

class Campaign {
  readonly #plan: SimulationPlan;
  readonly #clock: ManualClock;
  readonly #overrides: Overrides;
  readonly #records: SimulatedRecords;
  readonly #facts: ReturnType<typeof withOverrides>;
  readonly #bulk: Bulk;
  readonly #watch: GateWatch;
  readonly #release: ReleaseRecord;
  readonly #devices: SimulatedDevice[] = [];
  readonly #others: number;
  readonly #measured: Map<string, Measured>;
  readonly #started: number[];
  readonly #failed: number[];
  readonly #events: SimulatedEvent[] = [];
  /** What was told of rings that wait, since the last event. */
  readonly #holds = new Set<string>();
  readonly #pausing = new Set<Promise<unknown>>();
  readonly #happenings: Happening[];
  #generation = 0;
  #answers = 0;

  constructor({ clock, overrides, records, snapshot }: SimulationParts, plan: SimulationPlan) {
    this.#plan = plan;
    this.#clock = clock;
    this.#overrides = overrides;
    this.#records = new SimulatedRecords(records, clock, plan.until);
    this.#facts = withOverrides(this.#records, overrides);
    const release = this.#records.release(plan.release)?.record;
    if (release === undefined)
      throw new Fault("not_found", `the fleet has no valid release \`${plan.release}\``);
    this.#release = release;
    const rings = this.#rollout().rings.length;
    this.#started = Array.from({ length: rings }, () => 0);
    this.#failed = Array.from({ length: rings }, () => 0);
    this.#measured = new Map(plan.health);
    this.#happenings = plan.happenings.toSorted((a, b) => a.at - b.at);
    let others = 0;
    for (const [key, record] of records) {
      if (!key.startsWith("device:")) continue;
      if (!mayConcern(release, record as DeviceRecord)) others += 1;
      else this.#devices.push(untouched(record as DeviceRecord, release));
    }
    this.#devices.sort((a, b) => (a.id < b.id ? -1 : 1));
    for (const device of this.#devices) this.#records.add(device);
    this.#others = others;
    const peer: Peer = {
      name: "simulation",
      env: plan.env,
      region: "",
      endpoint: "",
      source_zone: "",
      tenants: ["*"],
      kinds: ["ota"],
      may_assert: [],
    };
    const onFault = (fault: unknown): never => {
      throw fault;
    };
    const desk = new Desk({
      facts: this.#facts,
      clock,
      recorder: discardDecisions,
      queryLimits: defaultQueryLimits,
      onFault,
    });
    desk.snapshot = snapshot;
    const decider = { foresee: (query: Parameters<typeof judgeOta>[2]) => judgeOta(desk, peer, query) };
    this.#bulk = new Bulk({ facts: this.#facts, clock, snapshot: () => snapshot, decider });
    this.#watch = new GateWatch(discardDecisions, {
      facts: () => this.#facts,
      pause: (_, reason) => this.#pause(reason, "sallyport"),
      // The round that waits for the pause says so.
      onFault: () => {},
    });
  }

  /** When something can happen next: the next round, or what was planned before it. */
  next(at: number): number {
    const round = Math.min(this.#plan.until, at + this.#plan.stepS);
    return Math.max(at + 1, Math.min(round, this.#happenings[0]?.at ?? round));
  }

  /** One round: what was planned happens, installations end, rings measure, devices ask. */
  async round(now: number): Promise<void> {
    this.#clock.setWall(now);
    for (const device of this.#devices) this.#end(device, now);
    while (this.#happenings[0] !== undefined && this.#happenings[0].at <= now)
      await this.#happen(this.#happenings.shift() as Happening);
    this.#measure();
    this.#bulk.begin();
    let asked = 0;
    for (const device of this.#devices) {
      if (device.had || device.installedAt !== undefined || device.installingUntil !== undefined) continue;
      if (device.asked === this.#generation && now < device.askAt) continue;
      this.#ask(device, now);
      asked += 1;
      if (this.#pausing.size > 0) {
        await Promise.all(this.#pausing);
        this.#bulk.begin();
      } else if (asked % roundSize === 0) await breathe();
    }
    this.#tellHolds(now);
  }

  /** What became of it. */
  told(): Simulation {
    const rollout = this.#rollout();
    return {
      rollout: rollout.id,
      rings: ringsOf(this.#devices, rollout, this.#failed),
      events: this.#events,
      devices: outcomesOf(this.#devices, rollout, this.#release),
      others: this.#others,
      state: this.#facts.rollout(rollout.id)?.record?.state ?? rollout.state,
      answers: this.#answers,
      evaluations: this.#bulk.evaluations,
    };
  }

  #rollout(): RolloutRecord {
    const rollout = this.#records.rollout(this.#release.rollout)?.record;
    if (rollout !== undefined) return rollout;
    throw new Fault("not_found", `the fleet has no valid rollout \`${this.#release.rollout}\``);
  }

  #ask(device: SimulatedDevice, now: number): void {
    const record = this.#records.deviceNow(device);
    const said = this.#bulk.judge(record, this.#release.id);
    this.#answers += 1;
    device.said = said;
    device.asked = this.#generation;
    device.askAt = said.valid_until ?? Number.POSITIVE_INFINITY;
    if (said.reason === "ota_gate_failed") this.#watch.failed(this.#release.id);
    if (said.answer !== "install" && said.answer !== "rollback") return;
    device.record = installing(device.record, this.#release);
    device.installingUntil = now + this.#plan.installS;
    if (device.ring < this.#started.length)
      this.#started[device.ring] = (this.#started[device.ring] ?? 0) + 1;
  }

  #end(device: SimulatedDevice, now: number): void {
    const { installingUntil, record } = device;
    if (installingUntil === undefined || now < installingUntil) return;
    const drawn = bucketOf(`${this.#release.id} attempt ${record.ota.attempts}`, device.id);
    const succeeded = drawn >= this.#plan.failsBp;
    device.record = ended(record, this.#release, succeeded);
    device.installingUntil = undefined;
    device.asked = -1;
    if (succeeded) device.installedAt = installingUntil;
    else if (device.ring < this.#failed.length)
      this.#failed[device.ring] = (this.#failed[device.ring] ?? 0) + 1;
  }

  /** Rings report what they measure, once a round, where it is something new. */
  #measure(): void {
    const rollout = this.#rollout();
    const updated = rollout.rings.map(() => 0);
    for (const { had, installedAt, ring } of this.#devices)
      if ((had || installedAt !== undefined) && ring < updated.length)
        updated[ring] = (updated[ring] ?? 0) + 1;
    let news = false;
    const rings = rollout.rings.map((ring, at) => {
      const measured = this.#measured.get(ring.name);
      if (measured === undefined) return ring;
      const started = this.#started[at] ?? 0;
      const failed_ppm = started === 0 ? 0 : Math.round(((this.#failed[at] ?? 0) * 1_000_000) / started);
      const samples = (updated[at] ?? 0) * this.#plan.samplesPerDevice;
      const health = { failed_ppm, ...measured, samples };
      if (JSON.stringify(health) === JSON.stringify(ring.health)) return ring;
      news = true;
      return { ...ring, health };
    });
    if (news) this.#replace({ ...rollout, rings });
  }

  #replace(rollout: RolloutRecord): void {
    this.#records.replaceRollout(rollout);
    this.#generation += 1;
  }

  async #happen(happening: Happening): Promise<void> {
    switch (happening.act) {
      case "pause":
        return this.#pause(happening.reason, "a person");
      case "resume":
        for (const { id } of this.#overrides.of(`rollout:${this.#rollout().id}`))
          await this.#overrides.lift(id, "a person", happening.reason);
        return this.#tell(`resumed by a person: ${happening.reason}`);
      case "edit":
        this.#replace(happening.edit(this.#rollout()));
        return this.#tell(happening.what);
      case "measure": {
        const { measured, ring } = happening;
        this.#measured.set(ring, { ...this.#measured.get(ring), ...measured });
        const words = Object.entries(measured).map(([name, value]) => `${name} ${value}`);
        return this.#tell(`${ring} measures ${words.join(", ")}`);
      }
    }
  }

  /** Sets the pause as the service does; it is in force when this resolves. */
  #pause(reason: string, by: string): Promise<void> {
    const rollout = this.#rollout();
    if (this.#overrides.of(`rollout:${rollout.id}`).length > 0) return Promise.resolve();
    const failed = ringStatus(rollout, this.#clock.now()).find(
      ({ hold }) => hold?.reason === "ota_gate_failed",
    );
    const detail = by === "sallyport" && failed?.hold !== undefined ? failed.hold.detail : reason;
    const target = { kind: "rollout", id: rollout.id } as const;
    const setting = this.#overrides.set({ kind: "pause", target, reason, by }).then(() => {
      this.#pausing.delete(setting);
      this.#tell(`paused by ${by}: ${detail}`);
    });
    this.#pausing.add(setting);
    return setting;
  }

  #tell(what: string): void {
    this.#generation += 1;
    this.#holds.clear();
    this.#events.push({ at: this.#clock.now(), what });
  }

  /** For what most of the held devices of a ring wait, once between two events: windows open and close daily. */
  #tellHolds(now: number): void {
    const byRing = new Map<number, Map<string, number>>();
    for (const { had, installedAt, installingUntil, ring, said } of this.#devices) {
      if (had || installedAt !== undefined || installingUntil !== undefined || said?.answer !== "hold")
        continue;
      let counts = byRing.get(ring);
      if (counts === undefined) byRing.set(ring, (counts = new Map<string, number>()));
      counts.set(said.reason, (counts.get(said.reason) ?? 0) + 1);
    }
    for (const [at, ring] of this.#rollout().rings.entries()) {
      const counts = [...(byRing.get(at) ?? [])].sort(([, a], [, b]) => b - a);
      const [most] = counts;
      if (most === undefined || this.#holds.has(`${at} ${most[0]}`)) continue;
      this.#holds.add(`${at} ${most[0]}`);
      this.#events.push({ at: now, what: `${ring.name}: ${most[1]} devices wait, ${most[0]}` });
    }
  }
}
