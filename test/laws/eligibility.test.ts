import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DeviceRecord } from "../../src/decision/facts.ts";
import { Bulk } from "../../src/eligibility/bulk.ts";
import { type Eligibility, toEligibility } from "../../src/eligibility/eligibility.ts";
import type { CutTable } from "../../src/pdp/cuts.ts";
import type { OtaJudgement } from "../../src/pdp/decide-ota.ts";
import type { PolicySnapshot } from "../../src/pdp/snapshot.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { FactsTable } from "../facts-table.ts";
import { corePdp } from "../pdp.ts";
import { brokerPeer } from "../records.ts";
import { patchedSnapshot, shippedSnapshot } from "../shipped.ts";
import {
  bases,
  campaign,
  campaigns,
  deviceOf,
  now,
  sites,
  someDevice,
  someLooks,
  variantsOf,
} from "./fleet.ts";

const snapshot = shippedSnapshot();

type Campaign = typeof campaign extends fc.Arbitrary<infer T> ? T : never;

/** A fleet with its campaign, which can be asked one by one and, with any table of gates, in bulk. */
class World {
  readonly devices: readonly DeviceRecord[];
  readonly #moves: readonly number[];
  readonly #facts = new FactsTable();
  readonly #clock = new ManualClock(now);
  readonly #judge: (id: string) => OtaJudgement;
  /** Single answers do not depend on any gate: the same serve all mutants. */
  readonly #known = new Map<string, OtaJudgement>();
  readonly site: PolicySnapshot;

  constructor(
    { otherWatermark, release, rollout, tenant, watermark }: Campaign,
    devices: readonly DeviceRecord[],
    moves: readonly number[],
    site = snapshot,
  ) {
    this.site = site;
    const facts = this.#facts;
    this.devices = devices;
    this.#moves = [0, ...moves];
    const pdp = corePdp(facts, this.#clock);
    pdp.activate(site);
    facts.watermark = watermark;
    facts.watermarks.set("one", watermark).set("other", otherWatermark);
    facts.put("tenant:acme", tenant, "one");
    facts.put("release:rel-1", release, "one");
    facts.put("rollout:ro-1", rollout, "one");
    for (const [i, device] of devices.entries())
      facts.put(`device:${device.id}`, device, i % 8 === 7 ? "other" : "one");
    const decider = pdp.decider(brokerPeer);
    this.#judge = (device_id) => decider.foresee({ kind: "ota", device_id, release: "rel-1" });
  }

  bulk(gates = this.site): Bulk {
    const decider = { foresee: ({ device_id }: { device_id: string }) => this.#ask(device_id) };
    return new Bulk({ facts: this.#facts, clock: this.#clock, snapshot: () => gates, decider });
  }

  /** The first device whose bulk answer is another than its single one; the clock moves between two passes. */
  disagreement(
    gates = this.site,
  ): { answer: Eligibility; alone: Eligibility; contradicted?: true } | undefined {
    const bulk = this.bulk(gates);
    for (const move of this.#moves) {
      this.#clock.setWall(now + move);
      bulk.begin();
      for (const device of this.devices) {
        const answer = bulk.judge(device, "rel-1", this.#facts.device(device.id));
        const { asking, decision } = this.#ask(device.id);
        const alone = toEligibility(device.id, "rel-1", decision, asking.now);
        if (JSON.stringify(answer) !== JSON.stringify(alone)) return { answer, alone };
        // What bulk itself notices counts as well: it goes on by asking one by one.
        if (bulk.contradictions > 0) return { answer, alone, contradicted: true };
      }
    }
    return undefined;
  }

  #ask(id: string): OtaJudgement {
    const key = `${id}|${this.#clock.now()}`;
    let judgement = this.#known.get(key);
    if (judgement === undefined) this.#known.set(key, (judgement = this.#judge(id)));
    return judgement;
  }
}

const unique = fc.uniqueArray(someDevice, {
  selector: ({ id }) => id,
  minLength: 10,
  maxLength: 40,
  size: "max",
});
const moves = fc.array(fc.constantFrom(-1, 0, 1, 30, 3600, 86_400), { maxLength: 2 });
/** One device and everything that differs from it in one fact: what a gate forgets to look at shows. */
const relatives = someLooks.map((looks) => [looks, ...variantsOf(looks)].map(deviceOf));

describe("law", () => {
  it("bulk eligibility equals single eligibility, whatever the clock does", { timeout: 120_000 }, () => {
    fc.assert(
      fc.property(campaign, unique, moves, (given, devices, steps) => {
        expect(new World(given, devices, steps).disagreement()).toBeUndefined();
      }),
      { numRuns: Number(process.env["LAW_RUNS"] ?? 60) },
    );
  });

  it("devices that differ in one fact are told apart wherever the policy tells them apart", {
    timeout: 120_000,
  }, () => {
    fc.assert(
      fc.property(campaign, relatives, moves, (given, devices, steps) => {
        expect(new World(given, devices, steps).disagreement()).toBeUndefined();
      }),
      { numRuns: Number(process.env["LAW_RUNS"] ?? 60) / 4 },
    );
  });

  it("devices that look alike are asked once", () => {
    const [given] = fc.sample(campaign, { numRuns: 1, seed: 3 });
    const [looks] = fc.sample(someLooks, { numRuns: 1, seed: 3 });
    if (given === undefined || looks === undefined) throw new Error("no sample");
    const devices = Array.from({ length: 500 }, (_, id) =>
      deviceOf({ ...looks, id, ota: { ...looks.ota, ring: 0 } }),
    );
    const bulk = new World(given, devices, []).bulk();
    bulk.begin();
    for (const each of devices) bulk.judge(each, "rel-1");
    expect(bulk.evaluations).toBeLessThan(10);
  });
});

interface Listed {
  readonly fact: string;
  readonly at?: readonly number[];
  readonly when?: readonly { readonly fact: string; readonly before?: number }[];
}
interface ListedGate {
  readonly reasons: readonly string[];
  readonly facts: readonly Listed[];
}
/** A name, and what it does to the facts of a gate. */
type GateMutant = readonly [name: string, edit: (gates: ListedGate[]) => void];

const gates = (snapshot.cuts["device_pki"]?.["ota"]?.gates ?? []) as ListedGate[];

/** Each fact of a gate left out, each number at which it is cut, each condition made too strict. */
const mutants: GateMutant[] = gates.flatMap(({ facts, reasons }, gate) =>
  facts.flatMap((listed, place): GateMutant[] => {
    const name = `${reasons[0]}: ${JSON.stringify(listed)}`;
    const put = (list: ListedGate[], ...by: Listed[]): void =>
      void (list[gate]?.facts as Listed[] | undefined)?.splice(place, 1, ...by);
    return [
      [`${name} left out`, (list) => put(list)],
      ...(listed.at ?? []).map((mark): GateMutant => {
        const at = (listed.at ?? []).filter((each) => each !== mark);
        return [`${name} without ${mark}`, (list) => put(list, { ...listed, at })];
      }),
      ...(listed.when ?? []).flatMap((condition, i): GateMutant[] => {
        if (condition.before === undefined) return [];
        const when = (listed.when ?? []).map((each, at) => (at === i ? { ...each, before: -86_400 } : each));
        return [[`${name} not to the end of ${condition.fact}`, (list) => put(list, { ...listed, when })]];
      }),
    ];
  }),
);

/** The same policy with other gates. */
function edited(site: PolicySnapshot, edit: (list: ListedGate[]) => void): PolicySnapshot {
  const cuts = structuredClone(site.cuts) as unknown as Record<string, { ota?: { gates?: ListedGate[] } }>;
  for (const { ota } of Object.values(cuts)) if (ota?.gates !== undefined) edit(ota.gates);
  return { ...site, cuts: cuts as unknown as CutTable };
}

describe("the law's mutants", () => {
  it("are enough", () => expect(mutants.length).toBeGreaterThan(80));

  // The same worlds, and the same single answers, serve all mutants.
  const fleetOf = (base: (typeof bases)[number]): DeviceRecord[] => [base, ...variantsOf(base)].map(deviceOf);
  const fleets = bases.map(fleetOf);
  const [plain, ...special] = campaigns as [Campaign, ...Campaign[]];
  const others = sites.map((kinds, i) => patchedSnapshot(`site-${i}`, { ota: { kinds } }));
  // Bases that a lifecycle, a loss of trust or an age sets apart: what sites decide about.
  const apart = fleets.filter(
    (_, i) => JSON.stringify(bases[i]?.credential) === JSON.stringify(bases[0]?.credential),
  );
  const worlds = [
    ...fleets.map((devices) => new World(plain, devices, [])),
    ...special.flatMap((given) => fleets.slice(0, 4).map((devices) => new World(given, devices, []))),
    ...others.flatMap((site) => apart.slice(0, -3).map((devices) => new World(plain, devices, [], site))),
  ];

  it("are looked for where bulk and single answers agree", { timeout: 120_000 }, () => {
    expect(worlds.flatMap((world) => world.disagreement() ?? [])).toEqual([]);
  });

  it.each(mutants)("%s is caught", { timeout: 120_000 }, (_, edit) => {
    const lacking = new Map([snapshot, ...others].map((site) => [site, edited(site, edit)]));
    expect(worlds.some((world) => world.disagreement(lacking.get(world.site)) !== undefined)).toBe(true);
  });
});
