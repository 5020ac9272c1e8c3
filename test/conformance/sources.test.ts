/** One suite for every source of records: what is so of one is so of all. */
import { mkdtempSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { pushFile } from "../../src/cli/registry-push.ts";
import type { Peer } from "../../src/decision/identity.ts";
import { NatsNode } from "../../src/nats/nats-node.ts";
import { KeyValueSource } from "../../src/registry/key-value-source.ts";
import { createRecordValidator } from "../../src/registry/record-validator.ts";
import { openRegistry, type Registry } from "../../src/registry/registry.ts";
import { RegistryFile } from "../../src/registry/registry-file.ts";
import { RegistryHttp } from "../../src/registry/registry-http.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { ownFile } from "../../src/runtime/own-files.ts";
import { registryService } from "../../src/services/registry-service.ts";
import { listenFor } from "../listener.ts";
import { findNatsServer, NatsServer } from "../nats.ts";
import { device, ndjson, now } from "../registry/records.ts";

type Fleet = Readonly<Record<string, unknown>>;

/** A source that says what it is made to say. */
interface Saying {
  /** From now on these are all the devices that it has. */
  say(fleet: Fleet): Promise<unknown>;
  /** It cannot be asked any more. Absent: it is not asked, it comes by itself. */
  away?(): Promise<unknown>;
}

const validate = createRecordValidator();
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
const folder = (): string => {
  const dir = mkdtempSync(path.join(tmpdir(), "sallyport-sources-"));
  closing.push(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
};
const lines = (fleet: Fleet): string =>
  ndjson(Object.values(fleet).map((record) => ({ kind: "device", record })));

const sources: Readonly<Record<string, (registry: Registry, clock: ManualClock) => Promise<Saying>>> = {
  async file(registry, clock) {
    const file = path.join(folder(), "fleet.ndjson");
    const source = await RegistryFile.open(registry, {
      path: file,
      clock,
      pollMs: 20,
      settleMs: 5,
      maxLostShare: 1,
    });
    closing.push(() => source[Symbol.asyncDispose]());
    return { say: async (fleet) => writeFileSync(file, lines(fleet)), away: async () => unlinkSync(file) };
  },
  async http(registry, clock) {
    let body = "";
    let status = 503;
    const server = createServer((_request, response) => void response.writeHead(status).end(body));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closing.push(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const source = new RegistryHttp(registry, {
      name: "http",
      url: new URL(`http://127.0.0.1:${port}/fleet`),
      clock,
      validate,
      pollMs: 20,
      backoffMs: 20,
      silenceMs: 1000,
      maxLostShare: 1,
      random: () => 0.5,
      credentials: async () => ({}),
    });
    source.start();
    closing.push(() => source[Symbol.asyncDispose]());
    return {
      say: async (fleet) => {
        status = 200;
        body = lines(fleet);
      },
      away: async () => {
        status = 500;
      },
    };
  },
  async push(registry, clock) {
    const peer: Peer = {
      name: "cmdb",
      env: "prod",
      region: "eu",
      endpoint: "e",
      source_zone: "",
      tenants: ["*"],
      kinds: ["feed"],
      may_assert: [],
    };
    const service = registryService({
      records: registry,
      status: () => registry.status(),
      idOf: ({ id }) => id,
      confirmLoss: () => {},
      sync: { registry, validate, clock, maxLostShare: 1, silenceMs: 60_000 },
      bundle: () => undefined,
    });
    const listener = await listenFor(peer, service, {
      streamsPerConnection: 16,
      descriptors: ownFile("proto/descriptors.binpb"),
    });
    closing.push(() => listener.close(100));
    const file = path.join(folder(), "fleet.ndjson");
    return {
      say: (fleet) => {
        writeFileSync(file, lines(fleet));
        return pushFile({ address: listener.address, timeout: "30" }, file, {
          source: "",
          confirmDeletions: true,
        });
      },
    };
  },
  async "nats bucket"(registry, clock) {
    const server = await NatsServer.start();
    closing.push(() => server[Symbol.asyncDispose]());
    const node = await NatsNode.connect({ servers: [server.url], retryMs: 50, timeoutMs: 500 });
    closing.push(() => node[Symbol.asyncDispose]());
    const bucket = await node.keyValue("facts");
    const source = new KeyValueSource(registry, {
      open: async () => bucket,
      clock,
      validate,
      bookmarkMs: 30,
      retryMs: 30,
      maxLostShare: 1,
    });
    closing.push(() => source[Symbol.asyncDispose]());
    let known: Fleet = {};
    return {
      say: async (fleet) => {
        const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
        for (const [id, record] of Object.entries(fleet)) await bucket.put(`device:${id}`, bytes(record));
        for (const id of Object.keys(known)) if (!(id in fleet)) await bucket.delete(`device:${id}`);
        known = fleet;
      },
      away: () => server.stop(),
    };
  },
};

const runs = Object.keys(sources).flatMap((source) => [
  { source, store: "memory" },
  { source, store: "lmdb" },
]);
const mayRun = (source: string): boolean =>
  source !== "nats bucket" || findNatsServer() !== undefined || Boolean(process.env["CI"]);

describe.each(runs)("a $source into $store", { timeout: 60_000 }, ({ source, store }) => {
  async function start() {
    const clock = new ManualClock(now);
    const registry = await openRegistry(
      store === "lmdb" ? { dir: folder(), clock } : { memory: true, clock },
    );
    closing.push(() => registry[Symbol.asyncDispose]());
    const saying = await (sources[source] as (typeof sources)[string])(registry, clock);
    const state = (id: string): string | undefined => {
      const stored = registry.device(id);
      return stored?.invalid === undefined ? stored?.record?.hw_rev : "invalid";
    };
    const becomes = (fleet: Readonly<Record<string, string | undefined>>) =>
      vi.waitFor(
        () => expect(Object.fromEntries(Object.keys(fleet).map((id) => [id, state(id)]))).toEqual(fleet),
        { timeout: 15_000, interval: 20 },
      );
    return { clock, registry, saying, becomes };
  }
  const rev = (id: string, hw_rev: string): unknown => device(id, { hw_rev });
  const ifPossible = mayRun(source) ? it : it.skip;

  ifPossible("has in force what the source has: what is new, what has changed, what is gone", async () => {
    const { becomes, registry, saying } = await start();
    expect(registry.freshness().synced).toBe(false);
    await saying.say({ a: rev("a", "r1"), b: rev("b", "r1") });
    await becomes({ a: "r1", b: "r1" });
    await saying.say({ a: rev("a", "r2"), c: rev("c", "r1") });
    await becomes({ a: "r2", b: undefined, c: "r1" });
    // Records are seen a moment before the state that goes with them.
    await vi.waitFor(() => expect(registry.status().counts).toEqual({ device: { active: 2 } }));
  });

  ifPossible(
    "isolates a bad record, says why, and takes the rest; also a good one in its place",
    async () => {
      const { becomes, registry, saying } = await start();
      await saying.say({ a: rev("a", "r1"), b: { ...device("b"), class: null } });
      await becomes({ a: "r1", b: "invalid" });
      expect(JSON.stringify(registry.status().sources[0]?.rejected)).toContain("class");
      await saying.say({ a: rev("a", "r2"), b: rev("b", "r1") });
      await becomes({ a: "r2", b: "r1" });
    },
  );

  ifPossible("keeps what is in force while the source is away, and lets it age", async () => {
    const { becomes, clock, registry, saying } = await start();
    await saying.say({ a: rev("a", "r1") });
    await becomes({ a: "r1" });
    if (saying.away !== undefined) {
      await saying.away();
      await vi.waitFor(() => expect(registry.status().sources[0]?.fault).toBeDefined(), { timeout: 15_000 });
    }
    const { ageS } = registry.freshness();
    clock.advance(100);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(registry.freshness().ageS).toBe(ageS + 100);
    expect(registry.device("a")?.record?.hw_rev).toBe("r1");
  });
});
