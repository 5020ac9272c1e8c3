import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
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
