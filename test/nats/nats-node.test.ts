import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type ConsumeOptions,
  type JetStreamClient,
  jetstream,
  jetstreamManager,
  type OrderedConsumerOptions,
} from "@nats-io/jetstream";
import { type ObjectInfo, Objm } from "@nats-io/obj";
import { connect } from "@nats-io/transport-node";
import { afterEach, beforeEach, expect, it } from "vitest";
import { follow } from "../../src/nats/follow.ts";
import { NatsNode } from "../../src/nats/nats-node.ts";
import type { CaughtUp } from "../../src/runtime/ports.ts";
import { describeWithNats, NatsServer } from "../nats.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : new TextDecoder().decode(value);

/** Reads on in the background; `until` waits for what was read to satisfy a condition. */
function collect<T>(
  from: AsyncIterable<T | CaughtUp>,
  show: (value: T) => string | undefined,
): { got: (string | undefined)[]; done: Promise<void>; until(condition: () => boolean): Promise<void> } {
  const got: (string | undefined)[] = [];
  const done = (async () => {
    for await (const each of from) got.push(each === "caught_up" ? "caught_up" : show(each as T));
  })();
  const until = async (condition: () => boolean): Promise<void> => {
    for (let waited = 0; waited < 15_000 && !condition(); waited += 10) await sleep(10);
    expect(condition(), JSON.stringify(got)).toBe(true);
  };
  return { got, done, until };
}

describeWithNats("a node on NATS", () => {
  let server: NatsServer;
  let node: NatsNode;
  beforeEach(async () => {
    server = await NatsServer.start();
    node = await NatsNode.connect({ servers: [server.url], retryMs: 50 });
  });
  afterEach(async () => {
    await node[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  it("keeps keys and values in one order of writes", async () => {
    const bucket = await node.keyValue("facts");
    expect(await bucket.get("device:a")).toBeUndefined();
    expect(await bucket.put("device:a", bytes("1"))).toBe(1);
    expect(await bucket.put("device:b/é *", bytes("2"))).toBe(2);
    const first = await bucket.get("device:a");
    expect([first?.key, first?.revision, text(first?.value)]).toEqual(["device:a", 1, "1"]);
    await bucket.delete("device:a");
    expect(await bucket.get("device:a")).toEqual({ key: "device:a", revision: 3, value: undefined });
    expect((await bucket.state()).revision).toBe(3);
  });

  it("writes under a condition: one of two wins", async () => {
    const bucket = await node.keyValue("facts");
    const both = await Promise.all([bucket.putIf("k", bytes("x"), 0), bucket.putIf("k", bytes("y"), 0)]);
    expect(both.filter((revision) => revision !== undefined)).toHaveLength(1);
    const held = (await bucket.get("k"))?.revision ?? 0;
    expect(await bucket.putIf("k", bytes("z"), held + 1)).toBeUndefined();
    expect(await bucket.putIf("k", bytes("z"), held)).toBeGreaterThan(held);
    await bucket.delete("k");
    expect(await bucket.putIf("k", bytes("again"), 0)).toBeGreaterThan(held);
  });

  it("tells a watcher what is there, that this was all, and then what changes", async () => {
    const bucket = await node.keyValue("facts");
    await bucket.put("a", bytes("1"));
    await bucket.put("a", bytes("2"));
    await bucket.put("b", bytes("1"));
    const ending = new AbortController();
    const show = ({ key, value }: { key: string; value: Uint8Array | undefined }) =>
      `${key}=${text(value) ?? "gone"}`;
    const all = collect(bucket.watch({ signal: ending.signal }), show);
    const late = collect(bucket.watch({ from: 3, signal: ending.signal }), show);
    const none = collect(bucket.watch({ from: 99, signal: ending.signal }), show);
    await all.until(() => all.got.includes("caught_up"));
    await none.until(() => none.got.includes("caught_up"));
    // The bucket keeps one value per key: who came after the deletion would not see what was there before.
    await late.until(() => late.got.includes("caught_up"));
    await bucket.delete("b");
    await all.until(() => all.got.length === 4);
    await late.until(() => late.got.length === 3);
    expect(all.got).toEqual(["a=2", "b=1", "caught_up", "b=gone"]);
    expect(late.got).toEqual(["b=1", "caught_up", "b=gone"]);
    ending.abort();
    await Promise.all([all.done, late.done, none.done]);
  });

  it("goes on after the server was killed and started again, and misses nothing", async () => {
    const bucket = await node.keyValue("facts");
    await bucket.put("a", bytes("1"));
    const ending = new AbortController();
    const seen = collect(bucket.watch({ signal: ending.signal }), ({ value }) => text(value));
    await seen.until(() => seen.got.includes("caught_up"));
    const { epoch } = await bucket.state();
    await server.stop("SIGKILL");
    await seen.until(() => !node.connected);
    await expect(bucket.put("a", bytes("lost"))).rejects.toMatchObject({ retryable: true });
    await server.restart();
    await seen.until(() => node.connected);
    const other = await NatsNode.connect({ servers: [server.url] });
    await (await other.keyValue("facts")).put("a", bytes("2"));
    await seen.until(() => seen.got.includes("2"));
    expect(seen.got.filter((each) => each === "2")).toHaveLength(1);
    expect((await bucket.state()).epoch).toBe(epoch);
    ending.abort();
    await seen.done;
    await other[Symbol.asyncDispose]();
  });

  it("holds large blobs with their digests and tells of new versions", async () => {
    const blobs = await node.blobs("bundles");
    const ending = new AbortController();
    const content = randomBytes(700_000);
    const first = await blobs.put("sallyport.tar.gz", content);
    const seen = collect(blobs.watch(ending.signal), ({ digest, name }) => `${name} ${digest}`);
    await seen.until(() => seen.got.includes("caught_up"));
    expect(first.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    const read = await blobs.get("sallyport.tar.gz", 1_000_000);
    expect(Buffer.from(read?.content ?? []).equals(content)).toBe(true);
    expect(read?.info.digest).toBe(first.digest);
    await expect(blobs.get("sallyport.tar.gz", 699_999)).rejects.toMatchObject({ code: "limit_exceeded" });
    const second = await blobs.put("sallyport.tar.gz", Buffer.from("new"));
    await seen.until(() => seen.got.length === 3);
    expect(seen.got).toEqual([
      `sallyport.tar.gz ${first.digest}`,
      "caught_up",
      `sallyport.tar.gz ${second.digest}`,
    ]);
    await blobs.delete("sallyport.tar.gz");
    expect(await blobs.info("sallyport.tar.gz")).toBeUndefined();
    expect(await blobs.get("sallyport.tar.gz", 1)).toBeUndefined();
    expect(await blobs.info("other")).toBeUndefined();
    ending.abort();
    await seen.done;
  });

  it("reads a whole version of a blob, however often it is replaced meanwhile", {
    timeout: 60_000,
  }, async () => {
    const blobs = await node.blobs("bundles");
    const versions = Array.from({ length: 16 }, () => randomBytes(1_500_000));
    await blobs.put("b", randomBytes(1_500_000));
    let writing = true;
    const written = (async () => {
      for (const each of versions) await blobs.put("b", each);
      writing = false;
    })();
    let reads = 0;
    for (; writing; reads += 1) expect((await blobs.get("b", 2_000_000))?.content.length).toBe(1_500_000);
    await written;
    expect(reads).toBeGreaterThan(0);
    const last = (await blobs.get("b", 2_000_000))?.content;
    expect(Buffer.from(last ?? []).equals(versions.at(-1) as Buffer)).toBe(true);
  });

  it("gives up a blob that nobody wants any more, and one whose server is gone", {
    timeout: 60_000,
  }, async () => {
    const blobs = await node.blobs("bundles");
    await blobs.put("b", randomBytes(8_000_000));
    const ending = new AbortController();
    const unwanted = blobs.get("b", 10_000_000, ending.signal);
    ending.abort();
    await expect(unwanted).rejects.toMatchObject({ code: "unreachable" });
    const cut = blobs.get("b", 10_000_000);
    await server.stop("SIGKILL");
    await expect(cut).rejects.toMatchObject({ retryable: true });
    await server.restart();
    await expect.poll(() => node.connected, { timeout: 15_000 }).toBe(true);
    expect((await blobs.get("b", 10_000_000))?.info.bytes).toBe(8_000_000);
  });

  it("gives up a blob whose parts are lost, and a link to one", async () => {
    const blobs = await node.blobs("bundles");
    await blobs.put("b", randomBytes(300_000));
    const connection = await connect({ servers: server.url });
    const store = await new Objm(jetstream(connection)).open("bundles");
    await store.link("alias", (await store.info("b")) as ObjectInfo);
    expect((await blobs.get("alias", 300_000))?.info.name).toBe("b");
    const manager = await jetstreamManager(connection);
    await manager.streams.purge("OBJ_bundles", { filter: "$O.bundles.C.>" });
    const reads = ["b", "alias"].map((name) => blobs.get(name, 300_000));
    for (const { reason } of (await Promise.allSettled(reads)) as PromiseRejectedResult[])
      expect(reason).toMatchObject({ code: "unreachable", retryable: true });
    await connection.close();
  });

  it("catches up where what was counted is deleted before it is read", async () => {
    const bucket = await node.keyValue("facts");
    for (const key of ["a", "b", "c"]) await bucket.put(key, bytes(key));
    const connection = await connect({ servers: server.url });
    const manager = await jetstreamManager(connection);
    const seen: string[] = [];
    // The count has been taken when reading begins: that is when they go.
    const consumers = {
      async get(stream: string, where: OrderedConsumerOptions) {
        const consumer = await jetstream(connection).consumers.get(stream, where);
        return {
          info: () => consumer.info(),
          delete: () => consumer.delete(),
          async consume(options: ConsumeOptions) {
            await manager.streams.purge(stream);
            return consumer.consume(options);
          },
        };
      },
    };
    const client = { consumers } as unknown as JetStreamClient;
    for await (const each of follow(client, "KV_facts", {})) {
      seen.push(each === "caught_up" ? each : each.string());
      if (each === "caught_up") await bucket.put("d", bytes("d"));
      else break;
    }
    expect(seen).toEqual(["caught_up", "d"]);
    await connection.close();
  });

  it("asks, answers and calls", async () => {
    const requests = node.requests();
    await expect(requests.request("ask", bytes("?"), 500)).rejects.toMatchObject({ code: "unreachable" });
    const answering = requests.answer("ask", (body) => {
      if (text(body) === "bad") throw new Error("a secret");
      return text(body) === "slow" ? new Promise(() => {}) : bytes(`${text(body)}!`);
    });
    expect(text(await requests.request("ask", bytes("x"), 2000))).toBe("x!");
    await expect(requests.request("ask", bytes("bad"), 2000)).rejects.toMatchObject({ code: "internal" });
    await expect(requests.request("ask", bytes("slow"), 100)).rejects.toMatchObject({
      code: "deadline_exceeded",
    });
    answering[Symbol.dispose]();
    await expect(requests.request("ask", bytes("x"), 500)).rejects.toMatchObject({ code: "unreachable" });
    const heard: string[] = [];
    using _listening = requests.listen("news.*", (body, subject) => heard.push(`${subject} ${text(body)}`));
    requests.publish("news.today", bytes("hello"));
    for (let waited = 0; waited < 5000 && heard.length === 0; waited += 10) await sleep(10);
    expect(heard).toEqual(["news.today hello"]);
  });

  it("appends to a journal once per id and reads it from any position", async () => {
    const journal = await node.journal("decisions");
    expect(await journal.append(bytes("one"), "id-1")).toBe(1);
    expect(await journal.append(bytes("one"), "id-1")).toBe(1);
    expect(await journal.append(bytes("two"))).toBe(2);
    const ending = new AbortController();
    const seen = collect(journal.read({ from: 2, signal: ending.signal }), ({ body, sequence }) => {
      return `${sequence} ${text(body)}`;
    });
    await seen.until(() => seen.got.includes("caught_up"));
    await (await node.journal("decisions")).append(bytes("three"));
    await seen.until(() => seen.got.length === 3);
    expect(seen.got).toEqual(["2 two", "caught_up", "3 three"]);
    ending.abort();
    await seen.done;
  });

  it("says where it cannot connect", async () => {
    const other = await NatsServer.start();
    const { url } = other;
    await other[Symbol.asyncDispose]();
    const connecting = NatsNode.connect({ servers: [url], timeoutMs: 500 });
    await expect(connecting).rejects.toMatchObject({ code: "unreachable" });
  });
});
