import { beforeEach, describe, expect, it } from "vitest";
import type { Decision } from "../../src/decision/decision.ts";
import type { PublishQuery } from "../../src/decision/query.ts";
import { Activation, loadBundle } from "../../src/pdp/activation.ts";
import type { Pdp, PeerDecider } from "../../src/pdp/pdp.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { offerOf, releaseOf } from "../bundle/releases.ts";
import { FactsTable } from "../facts-table.ts";
import { corePdp } from "../pdp.ts";
import { brokerPeer, certificateFacts, deviceRecord, floorRecord, tenantRecord } from "../records.ts";

const now = systemClock.now();

describe("a cache that is warm when a bundle comes into force", { timeout: 60_000 }, () => {
  let facts: FactsTable;
  let pdp: Pdp;
  let activation: Activation;
  let decider: PeerDecider;
  const subject = { client_id: "m1", proof: { key: "proof-m1", credential: certificateFacts("m1", now) } };
  const ask = async (topic: string): Promise<Decision> => {
    const query: PublishQuery = {
      kind: "publish",
      subject,
      topic: `t/acme/d/m1/${topic}`,
      qos: 0,
      retain: false,
    };
    return decider.decide(query);
  };
  beforeEach(async () => {
    facts = new FactsTable();
    facts.watermark = now + 1000;
    pdp = corePdp(facts, systemClock);
    facts.put("tenant:acme", tenantRecord("acme"));
    facts.put("firmware_policy:acme/meter", floorRecord("acme", "meter", now));
    facts.put("device:m1", deviceRecord("m1", now));
    activation = new Activation(pdp, systemClock);
    activation.activate((await offerOf(await releaseOf(5))).bundle);
    decider = pdp.decider(brokerPeer);
  });
  const load = async (sequence: number, forbid = false) => {
    const data = ({ site }: { site: Record<string, unknown> }): void => {
      if (!forbid) return;
      for (const profile of Object.values(site["profiles"] as Record<string, { environments?: string[] }>))
        profile.environments = [];
    };
    return loadBundle((await offerOf(await releaseOf(sequence, { data }))).bundle, now);
  };

  it("answers by the new bundle at once, from the cache, as an evaluation does", async () => {
    activation.gather();
    expect(await ask("ops/a")).toMatchObject({ cached: false, reason: "ok" });
    expect(await ask("ops/a")).toMatchObject({ cached: true, reason: "ok" });
    const next = await load(6, true);
    await activation.warm(next);
    // Nothing of it is in force before the swap.
    expect(await ask("ops/a")).toMatchObject({ bundle_revision: "r5", reason: "ok" });
    activation.swap(next);
    const warm = await ask("ops/a");
    expect(warm).toMatchObject({
      cached: true,
      bundle_revision: "r6",
      reason: "model_not_allowed_in_environment",
    });
    expect(await ask("ops/b")).toMatchObject({ cached: false, bundle_revision: "r6", reason: warm.reason });
  });

  it("takes no answer of the cache before, however often they change", async () => {
    activation.gather();
    await ask("ops/a");
    for (const [sequence, reason] of [
      [6, "model_not_allowed_in_environment"],
      [7, "ok"],
      [8, "model_not_allowed_in_environment"],
    ] as const) {
      const next = await load(sequence, reason !== "ok");
      await activation.warm(next);
      activation.swap(next);
      activation.gather();
      expect(await ask("ops/a")).toMatchObject({ cached: true, bundle_revision: `r${sequence}`, reason });
      expect(await ask("ops/a")).toMatchObject({ cached: true, reason });
    }
  });

  it("forgets what was answered ahead when the facts change before the swap", async () => {
    activation.gather();
    await ask("ops/a");
    const next = await load(6);
    await activation.warm(next);
    facts.put(
      "device:m1",
      deviceRecord("m1", now, { state: { quarantine: { active: true, mode: "block" } } }),
    );
    pdp.apply({ scope: "records", revision: 2, keys: ["device:m1"] });
    activation.swap(next);
    expect(await ask("ops/a")).toMatchObject({
      cached: false,
      bundle_revision: "r6",
      reason: "device_quarantined",
    });
  });

  it("knows nothing where nothing was gathered, or another bundle came into force", async () => {
    await ask("ops/a");
    const [cold, other] = [await load(6), await load(7)];
    await activation.warm(cold);
    activation.swap(cold);
    expect(await ask("ops/a")).toMatchObject({ cached: false, bundle_revision: "r6" });
    activation.gather();
    await ask("ops/a");
    await activation.warm(await load(8, true));
    activation.swap(other);
    expect(await ask("ops/a")).toMatchObject({ cached: false, bundle_revision: "r7", reason: "ok" });
  });

  it("accepts no message twice because its policy changed", async () => {
    const query: PublishQuery = {
      kind: "publish",
      subject,
      topic: "t/acme/d/m1/ops/a",
      qos: 0,
      retain: false,
      seq: 50,
    };
    activation.gather();
    expect((await decider.decide(query)).reason).toBe("ok");
    const next = await load(6);
    await activation.warm(next);
    activation.swap(next);
    expect((await decider.decide(query)).reason).toBe("message_replayed");
    expect((await decider.decide({ ...query, seq: 51 })).reason).toBe("ok");
  });
});
