/** What the mill reads is what is read without it, whatever happens to its thread. */
import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { DeviceRecord } from "../../src/decision/facts.ts";
import { createEarReader } from "../../src/registry/ear.ts";
import { parseUpsert, type Upsert } from "../../src/registry/parse-upsert.ts";
import { RecordMill } from "../../src/registry/record-mill.ts";
import { createRecordValidator, type Validated } from "../../src/registry/record-validator.ts";
import { openRegistry } from "../../src/registry/registry.ts";
import { RegistryFile } from "../../src/registry/registry-file.ts";
import { RegistryHttp } from "../../src/registry/registry-http.ts";
import type { SyncEvent, SyncReply } from "../../src/registry/sync.ts";
import { SyncSession } from "../../src/registry/sync-session.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { device, now, tenant } from "./records.ts";

const validate = createRecordValidator({ ear: createEarReader([]) });
const cleaning: (() => PromiseLike<unknown>)[] = [];
afterEach(async () => {
  for (const clean of cleaning.splice(0).reverse()) await clean();
});

function openMill(idleMs?: number): RecordMill {
  const mill = new RecordMill({
    validate,
    verifiers: [],
    signedOnly: false,
    ...(idleMs === undefined ? {} : { idleMs }),
  });
  cleaning.push(() => mill[Symbol.asyncDispose]());
  return mill;
}

async function ready(mill: RecordMill): Promise<void> {
  await mill.grind([]);
  await expect.poll(() => mill.ready, { timeout: 30_000 }).toBe(true);
}

const upsert = (kind: string, value: unknown, more: Partial<Upsert> = {}): Upsert => ({
  type: "upsert",
  kind,
  record: typeof value === "string" ? value : JSON.stringify(value),
  revision: 0,
  ...more,
});
const plain = ({ invalid, key, record, ...rest }: Validated) => ({
  key,
  record: record === undefined ? undefined : structuredClone(record),
  invalid,
  remark: "remark" in rest ? rest.remark : undefined,
});

/** Good and bad, of many and of few, of a kind that is none. */
const mixed: readonly Upsert[] = [
  upsert("device", device("a")),
  upsert("device", "{"),
  upsert("tenant", tenant("acme")),
  upsert("device", { ...device("b"), tenant: 7 }),
  upsert("device", { ...device("c"), attestation: { ear: "x" } }),
  upsert("device", device("d"), { key: "device:d" }),
  upsert("device", device("e"), { key: "device:other" }),
  upsert("device", { ...device("f"), id: "a/b" }),
  upsert("camera", {}),
  upsert("device", "", { value: device("g") }),
  upsert("device", { ...device("h"), hw_rev: "é".repeat(200), unknown: 1 }),
  upsert("device", device("i", { regions: Array.from({ length: 60 }, (_, each) => `${each}`.repeat(20)) })),
];

describe("the mill", () => {
  it("reads what is read without it", { timeout: 90_000 }, async () => {
    const mill = openMill();
    await ready(mill);
    const ground = await mill.grind(mixed.map((each) => structuredClone(each)));
    const here = mixed.map((each) => parseUpsert(structuredClone(each), validate));
    expect(ground.map(plain)).toEqual(here.map(plain));
    expect(ground.filter(({ invalid }) => invalid === undefined)).toHaveLength(7);
    const [first] = ground as unknown as [{ readonly record: DeviceRecord }];
    expect(Object.getPrototypeOf(first.record.credentials)).toBeNull();
  });

  it("answers before its thread is there, when that ends in the midst of work, and when it is closed", {
    timeout: 90_000,
  }, async () => {
    const mill = openMill();
    const here = mixed.map((each) => plain(parseUpsert(structuredClone(each), validate)));
    const work = async () => (await mill.grind(mixed.map((each) => structuredClone(each)))).map(plain);
    expect(mill.ready).toBe(false);
    expect(await work()).toEqual(here);
    await ready(mill);
    const pending = Promise.all(Array.from({ length: 40 }, work));
    await mill[Symbol.asyncDispose]();
    for (const each of await pending) expect(each).toEqual(here);
    expect(mill.ready).toBe(false);
  });

  it("ends its thread when there is no work, and starts it again", { timeout: 90_000 }, async () => {
    const mill = openMill(50);
    await ready(mill);
    await expect.poll(() => mill.ready, { timeout: 30_000 }).toBe(false);
    await ready(mill);
  });
});

/** A fleet of which some records are bad in every way that a line can be. */
const fleet = Array.from({ length: 3000 }, (_, each) =>
  each % 500 === 499 ? device(`d${each - 1}`) : device(`d${each}`, each % 700 === 3 ? { tenant: "" } : {}),
);

/** Changes of all kinds: what is new, what is said again in this order or another, what is wrong, and what may not be. */
function changes(): readonly (Upsert | { readonly type: "delete"; readonly key: string })[] {
  const two = device("d5", {
    credentials: { b: { ...one, devices: 2 }, a: one },
    state: { ...device("d5").state, lifecycle: "retired" },
  });
  const turned = { ...two, credentials: { a: one, b: { ...one, devices: 2 } } };
  return [
    upsert("device", device("d1", { hw_rev: "r9" })),
    upsert("device", device("d1", { hw_rev: "r9" })),
    upsert("device", device("d2", { tenant: "other", via: ["gw-1"] })),
    upsert("device", device("d2", { tenant: "acme", model: "own" })),
    upsert("device", { ...device("d3"), tenant: 7 }),
    upsert("device", device("d3")),
    upsert("device", { ...device("d4"), attestation: { ear: "x" } }),
    upsert("device", two),
    upsert("device", turned),
    upsert("device", device("d5")),
    upsert("device", device("d6", { credentials: { "fp-d7": one } })),
    { type: "delete", key: "device:d7" },
    upsert("device", device("d7", { hw_rev: "é" })),
    { type: "delete", key: "device:d8" },
    upsert("device", device("d9"), { key: "device:other" }),
    upsert("tenant", tenant("acme", { ota_hold: true })),
    upsert("device", device("new")),
  ];
}
const one = { status: "active", bound_at: 1, last_used_at: 2, devices: 1 } as const;

describe("a snapshot of a source that goes through the mill", () => {
  it.each(["memory", "lmdb"])("is the same as without, in %s", { timeout: 90_000 }, async (store) => {
    const mill = openMill();
    await ready(mill);
    const seen = [];
    for (const through of [mill, undefined]) {
      const dir = await mkdtemp(join(tmpdir(), "sallyport-mill-"));
      cleaning.push(() => rm(dir, { recursive: true, force: true }));
      const clock = new ManualClock(now);
      const registry = await openRegistry(store === "memory" ? { memory: true, clock } : { dir, clock });
      const replies: SyncReply[] = [];
      const feed = registry.feed("push:a");
      const session = new SyncSession({
        feed,
        validate,
        mill: through,
        clock,
        epoch: "e",
        maxLostShare: 1,
        reply: (reply) => replies.push(reply),
      });
      for (const revision of [1, 2]) {
        await session.take({ type: "begin_snapshot", revision });
        for (const each of fleet) await session.take(upsert("device", each));
        await session.take(upsert("tenant", tenant("acme")));
        await session.take({ type: "end_snapshot", count: fleet.length + 1, checksum: "" });
      }
      // Each alone and then all at once.
      let revision = 2;
      for (const round of [1, 2])
        for (const each of changes()) {
          revision++;
          await session.take({ ...each, revision, prev: revision - 1 } as SyncEvent);
          if (round === 1) await session.flush();
        }
      await session.flush();
      seen.push({
        replies,
        changed: ["d7", "new", "other"].map((id) => structuredClone(registry.device(id))),
        terms: (["tenant", "model", "gateway", "fingerprint"] as const).map((kind) =>
          ["acme", "other", "own", "gw-1", "fp-d7", "fp-d2", "a"].map(
            (value) => registry.deviceIdsBy(kind, value, undefined, 1e6).length,
          ),
        ),
        revision: registry.status().revision,
        counts: registry.status().counts,
        records: fleet.map(({ id }) => structuredClone(registry.device(id))),
        found: registry.deviceIdsBy("fingerprint", "fp-d1234", undefined, 9),
      });
      await session[Symbol.asyncDispose]();
      await feed[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    }
    expect(seen[0]).toEqual(seen[1]);
    expect(seen[0]?.found).toEqual(["d1234"]);
    expect(seen[0]?.replies.filter(({ type }) => type === "nack").length).toBeGreaterThan(10);
  });

  it("that is refused by its count or breaks off leaves what is in force", { timeout: 90_000 }, async () => {
    const mill = openMill();
    await ready(mill);
    const clock = new ManualClock(now);
    const registry = await openRegistry({ memory: true, clock });
    const feed = registry.feed("push:a");
    const replies: SyncReply[] = [];
    const open = () =>
      new SyncSession({
        feed,
        validate,
        mill,
        clock,
        epoch: "e",
        maxLostShare: 1,
        reply: (each) => replies.push(each),
      });
    const refused = open();
    await refused.take({ type: "begin_snapshot", revision: 1 });
    for (const each of fleet) await refused.take(upsert("device", each));
    await refused.take({ type: "end_snapshot", count: fleet.length + 1, checksum: "" });
    expect(replies.at(-1)).toMatchObject({ type: "resync", reason: "refused" });
    await refused.take({ type: "begin_snapshot", revision: 1 });
    for (const each of fleet) await refused.take(upsert("device", each));
    await refused[Symbol.asyncDispose]();
    expect(registry.freshness().synced).toBe(false);
    expect(registry.device("d1")).toBeUndefined();
    await feed[Symbol.asyncDispose]();
    await registry[Symbol.asyncDispose]();
  });
});

describe("a fleet file that goes through the mill", () => {
  it("is the same as without, whatever its lines are", { timeout: 90_000 }, async () => {
    const dir = await mkdtemp(join(tmpdir(), "sallyport-mill-"));
    cleaning.push(() => rm(dir, { recursive: true, force: true }));
    const path = join(dir, "fleet.ndjson");
    const lines = fleet.map((record) => JSON.stringify({ kind: "device", record }));
    lines.splice(
      900,
      0,
      "",
      "{",
      '{"kind":"device","record":{}}',
      '{"kind":"device","record":{"id":"x"},"more":1}',
      "null",
    );
    lines.splice(1500, 0, JSON.stringify({ record: device("other-order"), kind: "device" }));
    lines.push(JSON.stringify({ kind: "end", count: lines.length - 1 }));
    await writeFile(path, `${lines.join("\n")}\n`);
    const mill = openMill();
    await ready(mill);
    const seen = [];
    for (const through of [mill, undefined]) {
      const clock = new ManualClock(now);
      const registry = await openRegistry({ memory: true, clock });
      const file = await RegistryFile.open(registry, {
        path,
        clock,
        mill: through,
        settleMs: 0,
        watch: false,
      });
      const [source] = registry.status().sources;
      seen.push({ source, records: fleet.map(({ id }) => structuredClone(registry.device(id))) });
      expect(registry.device("other-order")?.record?.id).toBe("other-order");
      await file[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    }
    expect(seen[0]).toEqual(seen[1]);
    expect(seen[0]?.source?.rejected.length).toBeGreaterThan(5);
  });
});

describe("an answer over HTTP that goes through the mill", () => {
  it("is the same as without, whatever its lines are, as a snapshot and as changes", {
    timeout: 90_000,
  }, async () => {
    const line = (record: unknown, more: object = {}): string =>
      JSON.stringify({ kind: "device", record, ...more });
    const snapshot = fleet.map((record, i) =>
      line(record, i % 3 === 0 ? {} : { revision: 5, version: (i % 5) + 1 }),
    );
    const odd = [
      line({ id: "x" }, { revision: 5 }),
      '{"kind":"device","record":{}}',
      line(device("named"), { key: "device:another" }),
      line(device("nested", { extra: { revision: 5 } } as never)),
      `{"kind":"device","record":${JSON.stringify(device("twice"))},"revision":5,"revision":6}`,
      `{"kind":"device","record":${JSON.stringify(device("beyond"))},"version":9007199254740993}`,
      `{"kind":"device","record":${JSON.stringify(device("both"))},"record":${JSON.stringify(device("other"))}}`,
      `{"kind":"device","record":${JSON.stringify(device("none"))},"kind":"tenant"}`,
      JSON.stringify({ record: device("other-order"), kind: "device", revision: 5 }),
      "",
    ];
    snapshot.splice(900, 0, ...odd);
    const checksum = createHash("sha256")
      .update(snapshot.filter((each) => each !== "").join("\n"))
      .update("\n")
      .digest("hex");
    const count = snapshot.length - 1;
    const end = JSON.stringify({ kind: "end", count, checksum: `sha256:${checksum}` });
    const changes = fleet.map((record, i) =>
      line({ ...record, hw_rev: "r9" }, { revision: 6 + i, prev: 5 + i, version: 6 + i }),
    );
    const last = 5 + fleet.length;
    const server = createServer((request, response) => {
      const since = new URL(request.url ?? "", "http://x").searchParams.get("since");
      response.setHeader("sallyport-epoch", "e1");
      response.setHeader("sallyport-revision", String(since === null ? 5 : last));
      if (since === null) return void response.end(`${[...snapshot, end].join("\n")}\n`);
      if (Number(since) === last) return void response.writeHead(204).end();
      response.end(`${changes.join("\n")}\n`);
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    cleaning.push(async () => void server.close());
    const mill = openMill();
    await ready(mill);
    let ground = 0;
    const grind = mill.grind.bind(mill);
    mill.grind = (events) => {
      ground += events.length;
      return grind(events);
    };
    const seen = [];
    for (const through of [mill, undefined]) {
      const clock = new ManualClock(now);
      const registry = await openRegistry({ memory: true, clock });
      const source = new RegistryHttp(registry, {
        name: "http:cmdb",
        url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`),
        clock,
        validate,
        mill: through,
        pollMs: 20,
        backoffMs: 100,
        silenceMs: 5000,
        maxLostShare: 1,
        random: () => 0.5,
        credentials: async () => ({}),
      });
      source.start();
      const status = () => registry.status().sources[0];
      await vi.waitFor(
        () => expect([status()?.counters?.snapshots, status()?.fault]).toEqual([1, undefined]),
        { timeout: 20_000 },
      );
      const rejected = status()?.rejected;
      await vi.waitFor(() => expect(status()?.position?.revision).toBe(last), { timeout: 20_000 });
      const told = status();
      const ids = registry.deviceIdsAfter(undefined, 10_000);
      seen.push({
        rejected,
        counters: told?.counters,
        ids,
        records: ids.map((id) => structuredClone(registry.device(id))),
      });
      expect(registry.device("other-order")?.record?.id).toBe("other-order");
      await source[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    }
    expect(seen[0]).toEqual(seen[1]);
    expect(seen[0]?.rejected?.length).toBeGreaterThan(5);
    // Nearly all of both was read in the thread.
    expect(ground).toBeGreaterThan(2 * fleet.length - 1300);
  });
});
