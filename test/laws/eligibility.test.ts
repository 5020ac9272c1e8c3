import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Bulk } from "../../src/eligibility/bulk.ts";
import { type Eligibility, toEligibility } from "../../src/eligibility/eligibility.ts";
import type { CutTable } from "../../src/pdp/cuts.ts";
import type { PolicySnapshot } from "../../src/pdp/snapshot.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { FactsTable } from "../facts-table.ts";
import { corePdp } from "../pdp.ts";
import { brokerPeer } from "../records.ts";
import { shippedSnapshot } from "../shipped.ts";
import { campaign, now, someDevice } from "./fleet.ts";

const snapshot = shippedSnapshot();

type Campaign = typeof campaign extends fc.Arbitrary<infer T> ? T : never;
type Device = typeof someDevice extends fc.Arbitrary<infer T> ? T : never;

/** A fleet with its campaign, asked in bulk with the gates of `gates` and one by one. */
function world(
  { release, rollout, tenant, watermark }: Campaign,
  devices: readonly Device[],
  gates = snapshot,
) {
  const facts = new FactsTable();
  const clock = new ManualClock(now);
  const pdp = corePdp(facts, clock);
  pdp.activate(snapshot);
  facts.watermark = watermark;
  facts.put("tenant:acme", tenant);
  facts.put("release:rel-1", release);
  facts.put("rollout:ro-1", rollout);
  for (const device of devices) facts.put(`device:${device.id}`, device);
  const decider = pdp.decider(brokerPeer);
  const bulk = new Bulk({ facts, clock, snapshot: () => gates, decider });
  const single = (id: string): Eligibility => {
    const { decision, asking } = decider.foresee({ kind: "ota", device_id: id, release: "rel-1" });
    return toEligibility(id, "rel-1", decision, asking.now);
  };
  return { bulk, clock, facts, single };
}

/** The first device whose bulk answer is another than its single one; the clock moves between two passes. */
function disagreement(
  given: Campaign,
  devices: readonly Device[],
  moves: readonly number[],
  gates = snapshot,
) {
  const { bulk, clock, single } = world(given, devices, gates);
  for (const move of [0, ...moves]) {
    clock.setWall(now + move);
    bulk.begin();
    for (const device of devices) {
      const answer = bulk.judge(device, "rel-1");
      const alone = single(device.id);
      if (JSON.stringify(answer) !== JSON.stringify(alone)) return { answer, alone };
    }
  }
  return undefined;
}

const unique = fc.uniqueArray(someDevice, {
  selector: ({ id }) => id,
  minLength: 10,
  maxLength: 40,
  size: "max",
});
const moves = fc.array(fc.constantFrom(-1, 0, 1, 30, 3600, 86_400), { maxLength: 2 });

describe("law", () => {
  it("bulk eligibility equals single eligibility, whatever the clock does", { timeout: 120_000 }, () => {
    fc.assert(
      fc.property(campaign, unique, moves, (given, devices, steps) => {
        expect(disagreement(given, devices, steps)).toBeUndefined();
      }),
      { numRuns: Number(process.env["LAW_RUNS"] ?? 60) },
    );
  });

  it("devices that look alike are asked once", () => {
    const [given] = fc.sample(campaign, { numRuns: 1, seed: 3 });
    const [device] = fc.sample(someDevice, { numRuns: 1, seed: 3 });
    const devices = Array.from({ length: 500 }, (_, i) => ({
      ...(device as Device),
      id: `meter-${i}`,
      ota: { ...(device as Device).ota, ring: 0 },
    }));
    const { bulk } = world(given as Campaign, devices);
    bulk.begin();
    for (const each of devices) bulk.judge(each, "rel-1");
    expect(bulk.evaluations).toBeLessThan(10);
  });

  /** The same policy whose table of gates lacks one fact. */
  function without(gate: number, fact: number): PolicySnapshot {
    const cuts = structuredClone(snapshot.cuts) as Record<
      string,
      Record<string, { gates?: { facts: unknown[] }[] }>
    >;
    for (const byKind of Object.values(cuts)) byKind["ota"]?.gates?.[gate]?.facts.splice(fact, 1);
    return { ...snapshot, cuts: cuts as unknown as CutTable };
  }

  const gates = (snapshot.cuts["device_pki"]?.["ota"]?.gates ?? []) as {
    reasons: string[];
    facts: { fact: string }[];
  }[];
  // What a record cannot bring about: the host makes the credential of the device, so these two always agree.
  const always = new Set(["credential.tenant", "credential.device_id"]);
  const mutants = gates.flatMap(({ reasons, facts }, gate) =>
    facts.flatMap((listed, fact) =>
      always.has(listed.fact)
        ? []
        : [[`${reasons[0]} without ${JSON.stringify(listed)}`, gate, fact] as const],
    ),
  );

  it("was compared with enough mutants", () => expect(mutants.length).toBeGreaterThan(30));

  // The worlds are the same for all mutants, and few enough for one run: `MUTANTS=1 npx vitest run test/laws/eligibility`.
  const worlds = fc.sample(fc.tuple(campaign, unique, moves), { numRuns: 250, seed: 2027 });
  const run = process.env["MUTANTS"] === undefined ? it.skip : it;
  run.each(mutants)("%s is caught", { timeout: 120_000 }, (_, gate, fact) => {
    const lacking = without(gate, fact);
    expect(worlds.some(([given, devices, steps]) => disagreement(given, devices, steps, lacking))).toBe(true);
  });
});
