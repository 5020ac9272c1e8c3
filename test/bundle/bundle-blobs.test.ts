import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { BundleBlobs } from "../../src/bundle/bundle-blobs.ts";
import type { Offer } from "../../src/bundle/offer.ts";
import { NatsNode } from "../../src/nats/nats-node.ts";
import { Fault } from "../../src/runtime/fault.ts";
import { describeWithNats, NatsServer } from "../nats.ts";
import { manifest, withManifest } from "./archives.ts";

const revision = (name: string): Promise<Buffer> => withManifest({ ...manifest, revision: name });
const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 20_000, interval: 20 });

describeWithNats("bundles in a NATS object store", () => {
  let server: NatsServer;
  let writer: NatsNode;
  let source: BundleBlobs;
  let offers: Offer[];
  let faults: Fault[];
  beforeEach(async () => {
    server = await NatsServer.start();
    writer = await NatsNode.connect({ servers: [server.url] });
    [offers, faults] = [[], []];
  });
  afterEach(async () => {
    await source[Symbol.asyncDispose]();
    await writer[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });
  const start = (pollMs: number, onOffer: (offer: Offer) => void | Promise<void> = () => {}): void => {
    source = new BundleBlobs({
      name: "policy.tar.gz",
      from: "nats:bundles",
      pollMs,
      backoffMs: 200,
      open: async () => {
        const node = await NatsNode.connect({ servers: [server.url], timeoutMs: 500, retryMs: 50 });
        return {
          blobs: await node.blobs("bundles"),
          [Symbol.asyncDispose]: () => node[Symbol.asyncDispose](),
        };
      },
      onOffer: (offer) => {
        offers.push(offer);
        return onOffer(offer);
      },
      onFault: (fault) => void faults.push(fault),
      random: Math.random,
    });
    source.start();
  };
  const revisions = (): string[] => offers.map(({ bundle }) => bundle.revision);

  it("are told of at once, with their letters", { timeout: 60_000 }, async () => {
    const blobs = await writer.blobs("bundles");
    // The next look would be an hour away: it is the watch that tells.
    start(3_600_000);
    await until(() => expect(faults.map(({ code }) => code)).toEqual(["bundle_missing"]));
    await blobs.put("policy.tar.gz", await revision("one"));
    await until(() => expect(revisions()).toEqual(["one"]));
    expect(offers[0]?.from).toBe("nats:bundles/policy.tar.gz");
    await blobs.put("policy.tar.gz.letters.json", Buffer.from('{"approvals":["a.b.c"]}'));
    await until(() => expect(offers.at(-1)?.letters.approvals).toEqual(["a.b.c"]));
    await blobs.put("policy.tar.gz", await revision("two"));
    await until(() => expect(revisions().at(-1)).toBe("two"));
  });

  it("are told of while the one before is being dealt with", { timeout: 60_000 }, async () => {
    const blobs = await writer.blobs("bundles");
    await blobs.put("policy.tar.gz", await revision("one"));
    start(3_600_000, async ({ bundle }) => {
      if (bundle.revision !== "one") return;
      await blobs.put("policy.tar.gz", await revision("two"));
      // Long enough for the watch to tell, which nobody waits for now.
      await sleep(500);
    });
    await until(() => expect(revisions()).toEqual(["one", "two"]));
  });

  it("that are no bundles, or are refused, are said once, and the next is taken", {
    timeout: 60_000,
  }, async () => {
    const blobs = await writer.blobs("bundles");
    await blobs.put("policy.tar.gz", Buffer.from("no archive"));
    start(50, ({ bundle }) => {
      if (bundle.revision === "bad") throw new Fault("bundle_untrusted", "no");
    });
    await until(() => expect(faults.map(({ code }) => code)).toEqual(["bundle_invalid"]));
    await blobs.put("policy.tar.gz", await revision("bad"));
    await until(() => expect(faults.map(({ code }) => code)).toEqual(["bundle_invalid", "bundle_untrusted"]));
    await blobs.put("policy.tar.gz", await revision("good"));
    await until(() => expect(revisions()).toEqual(["bad", "good"]));
    expect(faults).toHaveLength(2);
  });

  it("are found again after the server was away", { timeout: 60_000 }, async () => {
    const blobs = await writer.blobs("bundles");
    await server.stop();
    start(50);
    await until(() => expect(faults.length).toBeGreaterThan(0));
    await server.restart();
    const archive = await revision("one");
    // The writer, too, has to find its server again.
    await vi.waitFor(() => blobs.put("policy.tar.gz", archive), { timeout: 40_000, interval: 200 });
    await until(() => expect(revisions()).toEqual(["one"]));
  });
});
