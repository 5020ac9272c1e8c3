import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { PublishQuery } from "../../src/decision/query.ts";
import { Activation } from "../../src/pdp/activation.ts";
import { BundlePipeline } from "../../src/pdp/bundle-pipeline.ts";
import type { Pdp, PeerDecider } from "../../src/pdp/pdp.ts";
import type { ShadowRules } from "../../src/pdp/shadow.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { offerOf, releaseOf } from "../bundle/releases.ts";
import { FactsTable } from "../facts-table.ts";
import { corePdp } from "../pdp.ts";
import { brokerPeer, certificateFacts, deviceRecord, floorRecord, tenantRecord } from "../records.ts";

const now = systemClock.now();

describe("a candidate in the shadow", () => {
  let pdp: Pdp;
  let activation: Activation;
  let pipeline: BundlePipeline;
  let decider: PeerDecider;
  let asked: number;
  beforeEach(async () => {
    const facts = new FactsTable();
    facts.watermark = now + 1000;
    pdp = corePdp(facts, systemClock);
    facts.put("tenant:acme", tenantRecord("acme"));
    facts.put("firmware_policy:acme/meter", floorRecord("acme", "meter", now));
    facts.put("device:m1", deviceRecord("m1", now));
    facts.put("device:m2", deviceRecord("m2", now, { firmware: { version: "1.0.0", key: 1000000 } }));
    activation = new Activation(pdp, systemClock);
    decider = pdp.decider(brokerPeer);
    asked = 0;
  });
  afterEach(() => {
    pipeline[Symbol.dispose]();
    activation[Symbol.dispose]();
  });

  const open = async (rules: Partial<ShadowRules> = {}): Promise<void> => {
    const defaults: ShadowRules = {
      sample: 1,
      forMs: 50,
      minQueries: 20,
      maxNewlyDenied: 0.1,
      maxNewlyAllowed: 0,
      promote: "auto",
    };
    pipeline = new BundlePipeline({
      activation,
      clock: systemClock,
      rules: () => ({ keyset: undefined, scope: "", unsigned: "allow" }),
      shadow: {
        rules: { ...defaults, ...rules },
        listen: (take) => {
          pdp.sampler = take;
        },
        compare: (sample, candidate) => pdp.compare(sample, candidate),
      },
    });
    await pipeline.offer(await offerOf(await releaseOf(5)));
  };
  const ask = async (id: string, times: number): Promise<void> => {
    const subject = {
      client_id: id,
      proof: { key: `proof-${id}`, credential: certificateFacts(id, now) },
    };
    for (let time = 0; time < times; time++) {
      const topic = `t/acme/d/${id}/ops/x${asked++}`;
      const query: PublishQuery = { kind: "publish", subject, topic, qos: 0, retain: false };
      await decider.decide(query);
    }
  };
  const inForce = (): string | undefined => pdp.snapshot?.revision;
  const same = async (): Promise<void> => pipeline.offer(await offerOf(await releaseOf(6)));
  /** Denies whom the floor of no tenant denies yet: every publish of more than QoS 0 keeps its answer. */
  const stricter = async (): Promise<void> =>
    pipeline.offer(
      await offerOf(
        await releaseOf(6, {
          data: ({ site }) => {
            for (const profile of Object.values(
              site["profiles"] as Record<string, { environments?: string[] }>,
            )) {
              profile.environments = [];
            }
          },
        }),
      ),
    );

  it("that answers alike comes into force once enough was compared, and not before", async () => {
    await open();
    await same();
    expect([inForce(), pipeline.candidate?.state]).toEqual(["r5", "shadow"]);
    await ask("m1", 10);
    await vi.waitFor(() => expect(pipeline.candidate?.shadow?.compared).toBe(10));
    await new Promise((resolve) => setTimeout(resolve, 120));
    expect([inForce(), pipeline.candidate?.state]).toEqual(["r5", "shadow"]);
    await ask("m2", 15);
    await vi.waitFor(() => expect([inForce(), pipeline.candidate?.state]).toEqual(["r6", "active"]));
    expect(pdp.sampler).toBeUndefined();
  });

  it("that denies too much is refused, and the differences say whom", async () => {
    await open();
    await stricter();
    await ask("m1", 20);
    await vi.waitFor(() =>
      expect(pipeline.candidate).toMatchObject({ state: "refused", failedIn: "shadow" }),
    );
    const { fault, shadow } = pipeline.candidate ?? {};
    expect(fault).toMatchObject({ code: "bundle_unfit" });
    expect(fault?.message).toMatch(/denies \d+ of \d+ live questions that the one in force allows/);
    expect(shadow?.newlyDenied).toBeGreaterThan(0);
    expect(shadow?.rows).toEqual([
      {
        kind: "publish",
        tenant: "acme",
        class: "meter",
        firmware: "2.4.1",
        profile: "device_pki",
        reasonNow: "ok",
        reasonThen: "model_not_allowed_in_environment",
        count: shadow?.newlyDenied,
      },
    ]);
    expect(inForce()).toBe("r5");
    expect(pdp.sampler).toBeUndefined();
  });

  it("that allows what is denied is refused at the first such answer where none is tolerated", async () => {
    await open({ maxNewlyDenied: 1 });
    await stricter();
    await ask("m1", 25);
    await vi.waitFor(() => expect(inForce()).toBe("r6"));
    pipeline[Symbol.dispose]();
    await pipeline.offer(await offerOf(await releaseOf(7)));
    await ask("m1", 3);
    await vi.waitFor(() => expect(pipeline.candidate).toMatchObject({ revision: "r7", state: "refused" }));
    expect(pipeline.candidate?.fault?.message).toMatch("allows");
    expect(inForce()).toBe("r6");
  });

  it("waits for a person where that is asked for, who can let it pass or drop it", async () => {
    await open({ promote: "manual" });
    await same();
    await ask("m1", 30);
    await vi.waitFor(() => expect(pipeline.candidate?.shadow?.compared).toBe(30));
    await new Promise((resolve) => setTimeout(resolve, 120));
    expect(inForce()).toBe("r5");
    const digest = pipeline.candidate?.digest ?? "";
    await expect(pipeline.promote("0".repeat(64), "ops")).rejects.toMatchObject({ code: "bundle_unfit" });
    expect(await pipeline.promote(digest, "ops")).toBe("r6");
    expect([inForce(), pipeline.active?.promotedBy]).toEqual(["r6", "ops"]);
    await expect(pipeline.promote(digest, "ops")).rejects.toThrow("`r6` is active");

    const next = await offerOf(await releaseOf(7));
    await pipeline.offer(next);
    expect(await pipeline.abort(next.bundle.digest, "second thoughts", "ops")).toBe("r7");
    expect(pipeline.candidate).toMatchObject({ state: "aborted", failedIn: "shadow" });
    expect(pipeline.candidate?.fault?.message).toBe("aborted by `ops`: second thoughts");
    await expect(pipeline.offer(next)).rejects.toThrow("was aborted here");
    expect(inForce()).toBe("r6");
  });

  it("gives way to a newer one", async () => {
    await open({ promote: "manual" });
    await same();
    await pipeline.offer(await offerOf(await releaseOf(7)));
    expect(pipeline.candidate).toMatchObject({ revision: "r7", state: "shadow" });
    await pipeline.promote(pipeline.candidate?.digest ?? "", "ops");
    expect(inForce()).toBe("r7");
  });

  it("takes a sample, and drops what comes too fast instead of waiting", async () => {
    await open({ promote: "manual", sample: 0.5 });
    await same();
    const subject = { client_id: "m1", proof: { key: "proof-m1", credential: certificateFacts("m1", now) } };
    const query: PublishQuery = {
      kind: "publish",
      subject,
      topic: "t/acme/d/m1/ops/x",
      qos: 0,
      retain: false,
    };
    for (let time = 0; time < 2000; time++) void decider.decide(query);
    await vi.waitFor(() => expect(pipeline.candidate?.shadow?.compared).toBe(512), { timeout: 10_000 });
    expect(pipeline.candidate?.shadow?.dropped).toBe(1000 - 512);
  });
});
