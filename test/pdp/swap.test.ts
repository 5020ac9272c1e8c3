import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import type { PublishQuery } from "../../src/decision/query.ts";
import { Activation, loadBundle } from "../../src/pdp/activation.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { offerOf, releaseOf } from "../bundle/releases.ts";
import { FactsTable } from "../facts-table.ts";
import { corePdp } from "../pdp.ts";
import { brokerPeer, certificateFacts, deviceRecord, floorRecord, tenantRecord } from "../records.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
const swaps = 100;
const now = systemClock.now();

describe("bundles that are swapped under load", { timeout: 180_000 }, () => {
  it("leave every answer whole, of one revision, and memory where it was", async () => {
    const facts = new FactsTable();
    facts.watermark = now + 1000;
    const pdp = corePdp(facts, systemClock);
    facts.put("tenant:acme", tenantRecord("acme"));
    facts.put("firmware_policy:acme/meter", floorRecord("acme", "meter", now));
    facts.put("device:m1", deviceRecord("m1", now));
    const forbidding = (data: { site: Record<string, unknown> }): void => {
      for (const profile of Object.values(
        data.site["profiles"] as Record<string, { environments?: string[] }>,
      )) {
        profile.environments = [];
      }
    };
    const bundles = await Promise.all([
      offerOf(await releaseOf(5)),
      offerOf(await releaseOf(6, { data: forbidding })),
    ]);
    using activation = new Activation(pdp, systemClock);
    const decider = pdp.decider(brokerPeer);
    const subject = { client_id: "m1", proof: { key: "proof-m1", credential: certificateFacts("m1", now) } };
    const seen = new Map<string, number>();
    let asked = 0;
    let stop = false;
    const load = async (): Promise<void> => {
      while (!stop) {
        for (let each = 0; each < 20; each++) {
          const topic = `t/acme/d/m1/ops/x${asked++ % 50}`;
          const query: PublishQuery = { kind: "publish", subject, topic, qos: 0, retain: false };
          const { reason, bundle_revision } = await decider.decide(query);
          const key = `${bundle_revision} ${reason}`;
          seen.set(key, (seen.get(key) ?? 0) + 1);
        }
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const swap = async (turn: number): Promise<void> => {
      const bundle = bundles[turn % 2]?.bundle;
      if (bundle !== undefined) activation.swap(await loadBundle(bundle, now));
    };
    await swap(0);
    const loads = [load(), load()];
    const settle = async (): Promise<number> => {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 100));
      collect();
      return process.memoryUsage().rss;
    };
    for (let turn = 1; turn <= 10; turn++) {
      await swap(turn);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const before = await settle();
    for (let turn = 11; turn <= 10 + swaps; turn++) {
      await swap(turn);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const after = await settle();
    stop = true;
    await Promise.all(loads);
    expect([...seen.keys()].sort()).toEqual(["r5 ok", "r6 model_not_allowed_in_environment"]);
    expect(Math.min(...seen.values())).toBeGreaterThan(100);
    // Each policy holds 4 MiB of Wasm memory and more: a hundred that stayed would be seen.
    expect((after - before) / 2 ** 20).toBeLessThan(100);
  });
});
