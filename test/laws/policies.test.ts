import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Bundle } from "../../src/bundle/bundle.ts";
import type { Decision } from "../../src/decision/decision.ts";
import type { Query } from "../../src/decision/query.ts";
import { Activation } from "../../src/pdp/activation.ts";
import type { Pdp } from "../../src/pdp/pdp.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { mergePatch } from "../cases/table.ts";
import { FactsTable } from "../facts-table.ts";
import { corePdp } from "../pdp.ts";
import { brokerPeer, certificateFacts, deviceRecord, floorRecord, tenantRecord } from "../records.ts";
import { shippedBundle } from "../shipped.ts";

const now = 1_800_000_000;

/** The shipped rules, telemetry up to another QoS and with another life of a session. */
function revision(name: string, sequence: number, max_qos: number, session_ttl_s: number): Bundle {
  const site = { profiles: { device_pki: { max_qos, session_ttl_s } } };
  const data = mergePatch(shippedBundle.data, { site }) as Bundle["data"];
  return { ...shippedBundle, revision: name, sequence, data };
}

const good = [revision("r1", 100, 2, 86_400), revision("r2", 101, 0, 600), revision("r3", 102, 1, 60)];
const broken: readonly ((bundle: Bundle) => Bundle)[] = [
  (bundle) => ({ ...bundle, wasm: bundle.wasm.subarray(0, bundle.wasm.length / 2) }),
  (bundle) => ({ ...bundle, wasm: new Uint8Array() }),
  (bundle) => ({ ...bundle, schemas: {} }),
  (bundle) => ({ ...bundle, data: {} }),
  (bundle) => ({ ...bundle, data: [] as unknown as Bundle["data"] }),
];

function world(): { pdp: Pdp; facts: FactsTable; clock: ManualClock } {
  const facts = new FactsTable();
  const clock = new ManualClock(now);
  facts.watermark = now;
  const pdp = corePdp(facts, clock);
  facts.put("tenant:acme", tenantRecord("acme"));
  facts.put("firmware_policy:acme/meter", floorRecord("acme", "meter", now));
  facts.put("device:meter-001", deviceRecord("meter-001", now));
  return { pdp, facts, clock };
}

const proof = { key: "meter-001", credential: certificateFacts("meter-001", now) };
const subject = { client_id: "meter-001", proof };
const questions: readonly Query[] = [
  { kind: "connect", subject },
  ...([0, 1, 2] as const).map(
    (qos): Query => ({ kind: "publish", subject, topic: "t/acme/d/meter-001/ops/temp", qos, retain: false }),
  ),
  { kind: "subscribe", subject, filter: "t/acme/d/meter-001/cmd/#", qos: 1 },
  { kind: "publish", subject, topic: "t/acme/d/meter-002/ops/temp", qos: 0, retain: false },
];

const said = ({ decision_id: _id, cached: _cached, ...rest }: Decision): unknown => rest;
const ask = async (pdp: Pdp, question: number): Promise<Decision> =>
  pdp.decider(brokerPeer).decide(questions[question] as Query);

type Step =
  | { do: "ask"; question: number }
  | { do: "activate"; bundle: number }
  | { do: "break"; how: number; bundle: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("ask" as const), question: fc.nat(questions.length - 1) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("activate" as const), bundle: fc.nat(good.length - 1) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("break" as const),
      how: fc.nat(broken.length - 1),
      bundle: fc.nat(good.length - 1),
    }),
  },
);

describe("law", () => {
  it("a swap is atomic: each decision equals the answer of exactly one revision; a bad bundle never changes an answer", async () => {
    // What each revision says, asked of a PDP that knows no other.
    const alone = await Promise.all(
      good.map(async (bundle) => {
        const { pdp, clock } = world();
        using activation = new Activation(pdp, clock);
        activation.activate(bundle);
        return await Promise.all(questions.map(async (_, at) => said(await ask(pdp, at))));
      }),
    );
    expect(new Set(alone.map((answers) => JSON.stringify(answers))).size).toBe(good.length);
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 60, size: "max" }), async (steps) => {
        const { pdp, clock } = world();
        using activation = new Activation(pdp, clock);
        activation.activate(good[0] as Bundle);
        let active = 0;
        for (const each of steps) {
          if (each.do === "ask") {
            expect(said(await ask(pdp, each.question))).toEqual(alone[active]?.[each.question]);
          } else if (each.do === "activate") {
            activation.activate(good[each.bundle] as Bundle);
            active = each.bundle;
          } else {
            const spoil = broken[each.how] as (bundle: Bundle) => Bundle;
            expect(() => activation.activate(spoil(good[each.bundle] as Bundle))).toThrow();
          }
        }
      }),
      { numRuns: 12 },
    );
  });

  it("no unknown device, bundle-less or faulted evaluation allows", async () => {
    const { pdp, facts, clock } = world();
    const without = await Promise.all(questions.map((_, at) => ask(pdp, at)));
    expect(without.map(({ allow, reason }) => [allow, reason])).toEqual(
      questions.map(() => [false, "internal_error"]),
    );
    using activation = new Activation(pdp, clock);
    activation.activate(good[0] as Bundle);
    expect((await ask(pdp, 1)).allow).toBe(true);
    facts.remove("device:meter-001");
    for (const at of questions.keys()) expect((await ask(pdp, at)).allow).toBe(false);
    facts.put("device:meter-001", deviceRecord("meter-001", now));
    expect((await ask(pdp, 1)).allow).toBe(true);
    facts.isolate("device:meter-001", "broken");
    for (const at of questions.keys()) {
      expect(await ask(pdp, at)).toMatchObject({ allow: false, reason: "facts_invalid" });
    }
  });
});
