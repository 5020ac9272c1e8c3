import { setTimeout as sleep } from "node:timers/promises";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { NatsNode } from "../../src/nats/nats-node.ts";
import { KeyValueSource } from "../../src/registry/key-value-source.ts";
import { createRecordValidator } from "../../src/registry/record-validator.ts";
import { openRegistry, type Registry } from "../../src/registry/registry.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import type { KeyValue } from "../../src/runtime/ports.ts";
import { describeWithNats, NatsServer } from "../nats.ts";
import { device } from "./records.ts";

const validate = createRecordValidator();
const record = (id: string, over: object = {}): Uint8Array =>
  new TextEncoder().encode(JSON.stringify({ ...device(id), ...over }));

async function until(condition: () => boolean): Promise<void> {
  for (let waited = 0; waited < 15_000 && !condition(); waited += 20) await sleep(20);
  expect(condition()).toBe(true);
}

describeWithNats("a bucket of NATS as a source", () => {
  let server: NatsServer;
  let node: NatsNode;
  let bucket: KeyValue;
  let registry: Registry;
  let source: KeyValueSource;
  const follow = (): KeyValueSource =>
    new KeyValueSource(registry, {
      open: async () => bucket,
      clock: systemClock,
      validate,
      bookmarkMs: 100,
      retryMs: 50,
    });
  const rev = (id: string): string | undefined => registry.device(id)?.record?.hw_rev;

  beforeEach(async () => {
    server = await NatsServer.start();
    node = await NatsNode.connect({ servers: [server.url], retryMs: 50, timeoutMs: 1000 });
    bucket = await node.keyValue("facts");
    registry = await openRegistry({ memory: true, clock: systemClock });
  });
  afterEach(async () => {
    await source[Symbol.asyncDispose]();
    await registry[Symbol.asyncDispose]();
    await node[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  it("is in force as a whole, then change by change, and resumes by revision", {
    timeout: 60_000,
  }, async () => {
    await bucket.put("device:a", record("a"));
    await bucket.put("device:b", record("b"));
    await bucket.put("device:gone", record("gone"));
    await bucket.delete("device:gone");
    source = follow();
    await until(() => registry.freshness().synced);
    expect([rev("a"), rev("b"), rev("gone")]).toEqual(["r2", "r2", undefined]);
    await bucket.put("device:a", record("a", { hw_rev: "r3" }));
    await bucket.delete("device:b");
    await until(() => rev("a") === "r3" && registry.device("b") === undefined);
    await source[Symbol.asyncDispose]();
    await bucket.put("device:c", record("c"));
    source = follow();
    await until(() => rev("c") === "r2");
    // Nothing but the one change was sent again.
    const [told] = registry.status().sources;
    expect(told?.counters).toMatchObject({ snapshots: 0, applied: 1, duplicates_ignored: 0 });
    expect(told?.position?.revision).toBe((await bucket.state()).revision);
  });

  it("isolates what does not fit its key, and goes on", { timeout: 60_000 }, async () => {
    source = follow();
    await until(() => registry.freshness().synced);
    await bucket.put("device:a", record("b"));
    await bucket.put("device:c", new TextEncoder().encode("{"));
    await bucket.put("planet:x", record("x"));
    await bucket.put("device:d", record("d"));
    await until(() => rev("d") === "r2");
    expect(registry.device("a")?.invalid).toContain("another key");
    expect(registry.device("b")).toBeUndefined();
    expect(registry.device("c")?.invalid).toBe("the record is not JSON");
    expect(registry.status().sources[0]?.rejectedTotal).toBe(3);
  });

  it("isolates what is no text, and what is under no name: nothing of it is guessed", {
    timeout: 60_000,
  }, async () => {
    source = follow();
    await until(() => registry.freshness().synced);
    const broken = Buffer.from(record("c", { hw_rev: "r9" }));
    broken[broken.indexOf("r9")] = 0xff;
    await bucket.put("device:c", broken);
    await bucket.put("device:e", new Uint8Array());
    for (const key of [
      "device:a*",
      "device:>",
      "device:x/y",
      `device:${"m".repeat(2000)}`,
      "device:",
      "!state",
    ])
      await bucket.put(key, record("d"));
    await bucket.delete(`device:${"n".repeat(2000)}`);
    await bucket.put("device:d", record("d"));
    await until(() => rev("d") === "r2");
    expect(registry.device("c")?.invalid).toBe("the record is not JSON");
    expect(registry.device("e")?.invalid).toBe("the record is not JSON");
    expect(registry.deviceIdsAfter(undefined, 9)).toEqual(["c", "d", "e"]);
    expect(registry.status().sources[0]?.rejectedTotal).toBe(9);
  });

  describe("whose server is acted on by hand", () => {
    let hand: NatsConnection;
    let streams: Awaited<ReturnType<typeof jetstreamManager>>["streams"];
    beforeEach(async () => {
      hand = await connect({ servers: [server.url] });
      streams = (await jetstreamManager(hand)).streams;
      for (const id of ["a", "b", "c", "d"]) await bucket.put(`device:${id}`, record(id));
      source = follow();
      await until(() => rev("d") === "r2");
    });
    afterEach(() => hand.close());
    const fault = (): string => registry.status().sources[0]?.fault?.message ?? "";

    it("hears of a purged key", { timeout: 60_000 }, async () => {
      await new Kvm(jetstream(hand)).open("facts").then((kv) => kv.purge("device=3Aa"));
      await until(() => registry.device("a") === undefined);
      expect(rev("b")).toBe("r2");
    });

    it("finds what was removed without a write, while it follows and after it was away", {
      timeout: 60_000,
    }, async () => {
      // Its bookmarks have seen how much there was.
      await sleep(300);
      const { revision } = await bucket.state();
      await streams.deleteMessage("KV_facts", revision);
      await until(() => registry.device("d") === undefined);
      await source[Symbol.asyncDispose]();
      await streams.deleteMessage("KV_facts", revision - 1);
      source = follow();
      await until(() => registry.device("c") === undefined);
      expect([rev("a"), rev("b")]).toEqual(["r2", "r2"]);
      await until(() => registry.freshness().ageS <= 1);
    });

    it("keeps what is in force where all of it was removed, until somebody confirms that", {
      timeout: 60_000,
    }, async () => {
      // A source of few records may lose them all.
      for (let each = 0; each < 120; each++) await bucket.put(`device:m${each}`, record(`m${each}`));
      await until(() => rev("m119") === "r2");
      await sleep(300);
      await streams.purge("KV_facts");
      await until(() => fault() !== "");
      expect(fault()).toContain("would delete or spoil 124 of 124 records");
      expect(rev("a")).toBe("r2");
      await until(() => registry.freshness().ageS >= 1);
      registry.confirmLoss("nats");
      await until(() => registry.device("a") === undefined);
      await until(() => registry.freshness().ageS === 0);
    });

    it("begins again with a bucket that was made anew, whose revisions begin anew as well", {
      timeout: 60_000,
    }, async () => {
      await streams.delete("KV_facts");
      await until(() => fault() !== "");
      expect(rev("a")).toBe("r2");
      bucket = await node.keyValue("facts");
      for (const id of ["a", "b", "c"]) await bucket.put(`device:${id}`, record(id, { hw_rev: "new" }));
      await until(() => rev("a") === "new" && registry.device("d") === undefined);
      expect(registry.status().sources[0]?.position?.revision).toBe(3);
      await bucket.put("device:a", record("a", { hw_rev: "newer" }));
      await until(() => rev("a") === "newer" && registry.freshness().ageS === 0);
    });
  });

  it("that went back is read as a whole when it has caught up: its changes may be others", {
    timeout: 60_000,
  }, async () => {
    for (const id of ["a", "b"]) await bucket.put(`device:${id}`, record(id));
    let lost = 0;
    const behind: KeyValue = {
      get: (key) => bucket.get(key),
      put: (key, value) => bucket.put(key, value),
      putIf: (key, value, revision) => bucket.putIf(key, value, revision),
      delete: (key) => bucket.delete(key),
      watch: (options) => bucket.watch(options),
      state: async () => {
        const { revision, ...rest } = await bucket.state();
        return { ...rest, revision: revision - lost };
      },
    };
    const told = () => registry.status().sources[0];
    source = new KeyValueSource(registry, {
      open: async () => behind,
      clock: systemClock,
      validate,
      bookmarkMs: 50,
      retryMs: 50,
    });
    await until(() => rev("b") === "r2");
    expect(told()?.counters?.snapshots).toBe(1);
    lost = 1;
    await until(() => (told()?.fault?.message ?? "").includes("is older than what is in force"));
    lost = 0;
    await until(() => told()?.counters?.snapshots === 2);
    await until(() => told()?.fault === undefined && registry.freshness().ageS === 0);
  });

  it("ages while the server is away, and catches up when it is back", { timeout: 60_000 }, async () => {
    await bucket.put("device:a", record("a"));
    source = follow();
    await until(() => rev("a") === "r2");
    await server.stop("SIGKILL");
    await until(() => registry.freshness().ageS >= 2);
    expect(rev("a")).toBe("r2");
    await server.restart();
    await until(() => node.connected);
    await bucket.put("device:a", record("a", { hw_rev: "r4" }));
    await until(() => rev("a") === "r4" && registry.freshness().ageS === 0);
  });
});
