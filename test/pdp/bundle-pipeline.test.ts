import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { GoodStore } from "../../src/bundle/good-store.ts";
import type { Keyset } from "../../src/bundle/keyset.ts";
import type { Offer } from "../../src/bundle/offer.ts";
import { Activation } from "../../src/pdp/activation.ts";
import type { Activated } from "../../src/pdp/bundle-news.ts";
import { BundlePipeline } from "../../src/pdp/bundle-pipeline.ts";
import type { Pdp } from "../../src/pdp/pdp.ts";
import { pipelineMetrics } from "../../src/pdp/pipeline-metrics.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { Fault } from "../../src/runtime/fault.ts";
import { keysetOf, makeKey, type TestKey } from "../bundle/keys.ts";
import { approvalOf, offerOf, releaseOf, rollbackOf } from "../bundle/releases.ts";
import { FactsTable } from "../facts-table.ts";
import { corePdp } from "../pdp.ts";

const now = 1_700_000_000;
const [ci, ann, bob] = ["ci", "ann", "bob"].map((name) => makeKey(name)) as [TestKey, TestKey, TestKey];
const two = keysetOf([[ci, { roles: ["sign"] }], [ann], [bob]], { threshold: 2 });

describe("a bundle on its way into force", () => {
  let pdp: Pdp;
  let clock: ManualClock;
  let keyset: Keyset | undefined;
  let pipeline: BundlePipeline;
  let activation: Activation;
  let news: Activated[];
  const pipelineOn = (dir: string | undefined): BundlePipeline =>
    new BundlePipeline({
      activation,
      clock,
      rules: () => ({ keyset, scope: "", unsigned: keyset === undefined ? "allow" : "refuse" }),
      store: dir === undefined ? undefined : new GoodStore(dir),
      keepAgainMs: 20,
    });
  const listen = (message: unknown): void => void news.push(message as Activated);
  beforeEach(() => {
    clock = new ManualClock(now);
    pdp = corePdp(new FactsTable(), clock);
    activation = new Activation(pdp, clock);
    keyset = keysetOf([[ci]]);
    pipeline = pipelineOn(undefined);
    news = [];
    subscribe("sallyport:bundle:activated", listen);
  });
  afterEach(() => {
    unsubscribe("sallyport:bundle:activated", listen);
    pipeline[Symbol.dispose]();
    activation[Symbol.dispose]();
  });
  const inForce = (): string | undefined => pdp.snapshot?.revision;
  const refusal = async (offer: Offer): Promise<string> => {
    const outcome = await pipeline.offer(offer).then(
      () => "accepted",
      (thrown: unknown) => thrown,
    );
    expect(outcome).toBeInstanceOf(Fault);
    expect(pipeline.candidate).toMatchObject({ state: "refused", fault: outcome });
    return (outcome as Fault).code;
  };

  it("is in force once it is signed, and what is not leaves it there", async () => {
    await pipeline.offer(await offerOf(await releaseOf(5, { key: ci })));
    expect(inForce()).toBe("r5");
    expect(pipeline.candidate).toMatchObject({ state: "active", revision: "r5" });
    expect(await refusal(await offerOf(await releaseOf(6)))).toBe("bundle_untrusted");
    expect(pipeline.candidate).toMatchObject({ revision: "r6", failedIn: "proving" });
    expect(await refusal(await offerOf(await releaseOf(6, { key: bob })))).toBe("bundle_untrusted");
    const broken = await releaseOf(6, { key: ci, wasm: Buffer.from("no wasm") });
    expect(await refusal(await offerOf(broken))).toBe("bundle_invalid");
    expect(pipeline.candidate).toMatchObject({ failedIn: "checking" });
    expect(inForce()).toBe("r5");
    await pipeline.offer(await offerOf(await releaseOf(6, { key: ci })));
    expect(inForce()).toBe("r6");
    expect(news.map(({ revision, signer }) => [revision, signer])).toEqual([
      ["r5", "ci"],
      ["r6", "ci"],
    ]);
  });

  it("waits for the second key, says for whom, and is in force with it", async () => {
    keyset = two;
    const archive = await releaseOf(5, { key: ci });
    await pipeline.offer(await offerOf(archive));
    expect(inForce()).toBeUndefined();
    expect(pipeline.candidate).toMatchObject({
      state: "pending_approval",
      proof: { waitsFor: ["ann", "bob"] },
    });
    expect(pipeline.missing()).toMatch("1 of 2 keys behind it and waits for one of ann, bob");
    await pipeline.offer(await offerOf(archive, { approvals: [await approvalOf(archive, bob)] }));
    expect(inForce()).toBe("r5");
    expect(news).toMatchObject([{ signer: "ci", approvers: ["bob"] }]);
  });

  it("is refused when it is older, or as old and another", async () => {
    const old = await releaseOf(4, { key: ci });
    await pipeline.offer(await offerOf(old));
    await pipeline.offer(await offerOf(await releaseOf(5, { key: ci })));
    expect(await refusal(await offerOf(old))).toBe("bundle_outdated");
    const other = await releaseOf(5, { key: ci, files: { "note.txt": "other" } });
    expect(await refusal(await offerOf(other))).toBe("bundle_outdated");
    expect(inForce()).toBe("r5");
  });

  it("may be built again at the same sequence where bundles are not signed, and not be older", async () => {
    keyset = undefined;
    await pipeline.offer(await offerOf(await releaseOf(5)));
    await pipeline.offer(await offerOf(await releaseOf(5, { files: { "note.txt": "again" } })));
    expect(news).toHaveLength(2);
    expect(await refusal(await offerOf(await releaseOf(4)))).toBe("bundle_outdated");
  });

  it("goes back only as a threshold of keys permits, to that archive, from there, in time, and once", async () => {
    keyset = two;
    const [old, older, newer] = await Promise.all(
      [4, 3, 6].map((sequence) => releaseOf(sequence, { key: ci })),
    );
    if (old === undefined || older === undefined || newer === undefined) throw new Error("three releases");
    const approved = async (archive: Uint8Array, rollbacks: readonly string[] = []): Promise<Offer> =>
      offerOf(archive, { approvals: [await approvalOf(archive, ann)], rollbacks });
    await pipeline.offer(await approved(old));
    await pipeline.offer(await approved(newer));
    const by = (key: TestKey, from = 6, exp?: number): Promise<string> =>
      rollbackOf(old, key, exp === undefined ? { from } : { from, exp });
    const [annSays, bobSays] = [await by(ann), await by(bob)];

    expect(await refusal(await approved(old, [annSays, annSays]))).toBe("bundle_outdated");
    expect(await refusal(await approved(old, [annSays, await by(ci)]))).toBe("bundle_outdated");
    expect(await refusal(await approved(old, [annSays, await by(bob, 5)]))).toBe("bundle_outdated");
    expect(await refusal(await approved(old, [annSays, await by(bob, 6, now)]))).toBe("bundle_outdated");
    expect(await refusal(await approved(older, [annSays, bobSays]))).toBe("bundle_outdated");
    expect(inForce()).toBe("r6");

    await pipeline.offer(await approved(old, [annSays, bobSays]));
    expect(inForce()).toBe("r4");
    expect(news.at(-1)?.rollback).toEqual({ from: 6, reason: "it denied too much", by: ["ann", "bob"] });

    // What was rolled back does not come again by itself; the next release does, and then the statements are spent.
    expect(await refusal(await approved(newer))).toBe("bundle_outdated");
    await pipeline.offer(await approved(await releaseOf(7, { key: ci })));
    expect(inForce()).toBe("r7");
    expect(await refusal(await approved(old, [annSays, bobSays]))).toBe("bundle_outdated");
  });

  it("that is past its end goes on deciding, and is said to be", async () => {
    const said: unknown[] = [];
    const hear = (message: unknown): void => void said.push(message);
    subscribe("sallyport:bundle:expired", hear);
    try {
      await pipeline.offer(
        await offerOf(await releaseOf(5, { key: ci, metadata: { expires_at: now + 10 } })),
      );
      expect([inForce(), pipeline.expired, said.length]).toEqual(["r5", false, 0]);
      clock.advance(10);
      await pipeline.offer(
        await offerOf(await releaseOf(6, { key: ci, metadata: { expires_at: now - 10 } })),
      );
      await vi.waitFor(() => expect(said).toEqual([{ revision: "r6", expires_at: now - 10 }]));
      expect([inForce(), pipeline.expired]).toEqual(["r6", true]);
      const gauge = pipelineMetrics(pipeline).find(({ name }) => name === "sallyport_bundle_expired");
      expect(gauge?.read()).toEqual([{ labels: {}, value: 1 }]);
    } finally {
      unsubscribe("sallyport:bundle:expired", hear);
    }
  });

  describe("with a folder", () => {
    let dir: string;
    beforeEach(() => {
      dir = mkdtempSync(join(tmpdir(), "sallyport-kept-"));
      pipeline = pipelineOn(dir);
    });
    afterEach(() => rmSync(dir, { recursive: true, force: true }));
    /** What a service would start with: nothing of this process but the folder. */
    const restarted = async (): Promise<BundlePipeline> => {
      const [other, good] = [pipelineOn(dir), await new GoodStore(dir).read()];
      if (good !== undefined) await other.restore(good);
      return other;
    };

    it("is there after a restart without its source, though its key has expired since", async () => {
      keyset = keysetOf([[ci, { not_after: now + 5 }]]);
      await pipeline.offer(await offerOf(await releaseOf(5, { key: ci })));
      clock.advance(10);
      activation[Symbol.dispose]();
      const again = await restarted();
      expect(again.active).toMatchObject({ revision: "r5", since: now, restored: true });
      expect(again.fault).toBeUndefined();
      // A new bundle by the same key does not come in.
      await expect(again.offer(await offerOf(await releaseOf(6, { key: ci })))).rejects.toThrow("expired");
    });

    it("is not there where its archive or its keys were exchanged", async () => {
      await pipeline.offer(await offerOf(await releaseOf(5, { key: ci })));
      activation[Symbol.dispose]();
      keyset = keysetOf([[ann]]);
      expect((await restarted()).active).toBeUndefined();
      keyset = keysetOf([[ci]]);
      const [name = ""] = readdirSync(dir).filter((each) => each.endsWith(".gz"));
      writeFileSync(join(dir, name), await releaseOf(4, { key: ci }));
      const again = await restarted();
      expect([again.active, again.fault?.code]).toEqual([undefined, "bundle_untrusted"]);
    });

    it("keeps what was seen highest: an old one is refused after a restart as well", async () => {
      keyset = keysetOf([[ci], [ann]]);
      const old = await releaseOf(4, { key: ci });
      await pipeline.offer(await offerOf(await releaseOf(6, { key: ci })));
      await pipeline.offer(await offerOf(old, { rollbacks: [await rollbackOf(old, ann, { from: 6 })] }));
      const again = await restarted();
      expect([again.active?.revision, again.floor]).toEqual(["r4", 6]);
      await expect(again.offer(await offerOf(await releaseOf(5, { key: ci })))).rejects.toThrow(
        "not newer than 6",
      );
    });

    it("is in force though it cannot be kept, says so, and is kept once it can be", async () => {
      rmSync(dir, { recursive: true });
      writeFileSync(dir, "a file where the folder should be");
      await pipeline.offer(await offerOf(await releaseOf(5, { key: ci })));
      expect([inForce(), pipeline.keepFault?.code]).toEqual(["r5", "bundle_unkept"]);
      expect(pipeline.candidate?.state).toBe("active");
      rmSync(dir);
      await vi.waitFor(() => expect(pipeline.keepFault).toBeUndefined());
      expect((await restarted()).active?.revision).toBe("r5");
    });
  });
});
