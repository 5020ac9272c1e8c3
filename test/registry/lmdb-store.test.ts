import { spawn } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { open } from "lmdb";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LmdbStore } from "../../src/registry/lmdb-store.ts";
import { openRegistry, type Registry } from "../../src/registry/registry.ts";
import { RegistryFile } from "../../src/registry/registry-file.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { device, entry, ndjson, now, tenant } from "./records.ts";

let dir: string;
const clock = new ManualClock(now);
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "sallyport-store-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function load(registry: Registry, size: number, hw_rev: string): Promise<unknown> {
  const path = join(dir, `${hw_rev}.ndjson`);
  await writeFile(
    path,
    ndjson(Array.from({ length: size }, (_, each) => entry.device(`d${each}`, { hw_rev }))),
  );
  const file = await RegistryFile.open(registry, {
    path,
    clock,
    settleMs: 0,
    watch: false,
    pollMs: 1_000_000,
  });
  const { fault } = registry.status().sources[0] ?? {};
  await file[Symbol.asyncDispose]();
  return fault;
}

const seen = (registry: Registry, size: number): readonly (string | undefined)[] => [
  ...new Set(Array.from({ length: size }, (_, each) => registry.device(`d${each}`)?.record?.hw_rev)),
];

describe("the first snapshot", () => {
  const ids = {
    ascending: Array.from({ length: 3000 }, (_, each) => `d${String(each).padStart(5, "0")}`),
    descending: Array.from({ length: 3000 }, (_, each) => `d${String(3000 - each).padStart(5, "0")}`),
    scattered: Array.from({ length: 3000 }, (_, each) => `d${(each * 7919) % 3001}`),
    // Strings and UTF-8 order the last two differently.
    "of every script": [
      "a",
      "zz",
      "ü1",
      "z",
      "\u{1f600}1",
      "\uff5e1",
      "\u{1f600}0",
      "\uff5e0",
      "b",
      "ü0",
      "zzz",
    ],
  };

  it.each(Object.entries(ids))("has every record, its ids %s, in order", async (_, all) => {
    const registry = await openRegistry({ dir: join(dir, "store"), clock });
    const entries = all.map((id) => entry.device(id, { credentials: {} }));
    // Other kinds come before, in the midst of it, and after.
    entries.splice(5, 0, entry.policy("acme", "meter") as never);
    const path = join(dir, "all.ndjson");
    await writeFile(path, ndjson([entry.tenant("acme"), ...entries, entry.tenant("zeta")]));
    const file = await RegistryFile.open(registry, { path, clock, settleMs: 0, watch: false, pollMs: 1e6 });
    const missing = all.filter((id) => registry.device(id)?.record?.id !== id);
    expect(missing).toEqual([]);
    expect(registry.tenant("acme")?.record?.id).toBe("acme");
    expect(registry.tenant("zeta")?.record?.id).toBe("zeta");
    expect(registry.status().sources[0]?.counts["device"]).toEqual({ active: all.length });
    await file[Symbol.asyncDispose]();
    await registry[Symbol.asyncDispose]();
    const again = await openRegistry({ dir: join(dir, "store"), clock });
    expect(all.filter((id) => again.device(id) === undefined)).toEqual([]);
    expect(again.tenant("acme")?.record?.id).toBe("acme");
    await again[Symbol.asyncDispose]();
  });

  it("of ids in order takes two thirds of the room of one whose ids are not", async () => {
    const sizes: number[] = [];
    for (const all of [ids.ascending, ids.descending]) {
      const at = join(dir, `store${sizes.length}`);
      const registry = await openRegistry({ dir: at, clock });
      const path = join(dir, "all.ndjson");
      await writeFile(path, ndjson([entry.tenant("zeta"), ...all.map((id) => entry.device(id))]));
      const file = await RegistryFile.open(registry, { path, clock, settleMs: 0, watch: false, pollMs: 1e6 });
      await file[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
      const db = open({ path: join(at, "records.lmdb"), encoding: "binary", readOnly: true });
      sizes.push((db.getStats() as { treeLeafPageCount: number }).treeLeafPageCount);
      await db.close();
    }
    const [ascending = 0, descending = 0] = sizes;
    expect(ascending).toBeLessThan(descending * 0.7);
  });
});

/** A store as earlier releases wrote it: MessagePack, with structures that rows share. */
async function writeLayout(format: number, folding: boolean): Promise<string> {
  const folder = join(dir, "old");
  await mkdir(folder);
  const db = open<unknown, string>({
    path: join(folder, "records.lmdb"),
    sharedStructuresKey: Symbol.for("structures"),
  });
  const row = (id: string, hw_rev: string) => {
    const { credentials, ...rest } = device(id, { hw_rev });
    return [1, "file", { ...rest, credentials: Object.entries(credentials) }];
  };
  await db.batch(() => {
    void db.put("device:a", row("a", "old"));
    void db.put("device:b", row("b", "old"));
    if (folding) {
      void db.put("~device:a", row("a", "new"));
      void db.put("~device:b", null);
    }
    const counts = { device: { active: folding ? 1 : 2 } };
    const sources = { file: { watermark: now, trailer: false, counts } };
    void db.put("!state", { format, revision: 1, sources, folding });
  });
  await db.close();
  return folder;
}

describe("a store of another layout", () => {
  it.each([false, true])(
    "of the first release is taken over, with indexes (in the midst of a fold: %s)",
    async (folding) => {
      const folder = await writeLayout(1, folding);
      for (const _turn of ["migrated", "opened again"]) {
        const registry = await openRegistry({ dir: folder, clock });
        expect(registry.freshness().synced).toBe(true);
        expect(registry.device("a")?.record?.hw_rev).toBe(folding ? "new" : "old");
        expect(registry.deviceIdsBy("tenant", "acme", undefined, 9)).toEqual(folding ? ["a"] : ["a", "b"]);
        expect(registry.deviceIdsBy("fingerprint", "fp-a", undefined, 9)).toEqual(["a"]);
        await registry[Symbol.asyncDispose]();
      }
    },
  );

  it("of the second release is taken over with versions, reports of loss and what was isolated", async () => {
    const folder = await writeLayout(2, false);
    const db = open<unknown, string>({
      path: join(folder, "records.lmdb"),
      sharedStructuresKey: Symbol.for("structures"),
    });
    await db.batch(() => {
      void db.put("device:c", [1, "file", null, "`tenant`: required", 7]);
      void db.put("device:gone", [0, "file", null, null, 9]);
      void db.put("tenant:acme", [1, "file", tenant("acme"), null, 3]);
    });
    await db.close();
    for (const _turn of ["migrated", "opened again"]) {
      const store = await LmdbStore.open(folder);
      expect(store.get("device:a")).toMatchObject({ revision: 1, source: "file", record: { hw_rev: "old" } });
      expect(store.get("device:c")).toEqual({
        revision: 1,
        source: "file",
        version: 7,
        invalid: "`tenant`: required",
      });
      expect(store.tombstone("device:gone")).toEqual({ gone: true, source: "file", version: 9 });
      expect(store.get("tenant:acme")).toEqual({
        revision: 1,
        source: "file",
        version: 3,
        record: tenant("acme"),
      });
      expect(store.deviceIdsBy("tenant:acme", undefined, 9)).toEqual(["a", "b"]);
      await store[Symbol.asyncDispose]();
    }
  });

  it("of the third release, whose fingerprints were indexed in another way, is indexed anew", async () => {
    const folder = join(dir, "store");
    const first = await openRegistry({ dir: folder, clock });
    await load(first, 3, "even");
    await first[Symbol.asyncDispose]();
    const db = open<Buffer, string>({ path: join(folder, "records.lmdb"), encoding: "binary" });
    await db.openDB({ name: "!fingerprints", encoding: "binary", keyEncoding: "binary" }).clearAsync();
    const state = JSON.parse(String(db.get("!state"))) as object;
    await db.put("!state", Buffer.from(JSON.stringify({ ...state, format: 3 })));
    await db.close();
    for (const _turn of ["migrated", "opened again"]) {
      const registry = await openRegistry({ dir: folder, clock });
      expect(registry.deviceIdsBy("fingerprint", "fp-d1", undefined, 9)).toEqual(["d1"]);
      expect(registry.deviceIdsBy("tenant", "acme", undefined, 9)).toEqual(["d0", "d1", "d2"]);
      await registry[Symbol.asyncDispose]();
    }
  });

  it("of a later release is refused, and left as it is", async () => {
    const folder = await writeLayout(5, false);
    for (const _turn of ["first", "second"])
      await expect(openRegistry({ dir: folder, clock })).rejects.toMatchObject({
        code: "store_unavailable",
        message: expect.stringContaining("it has layout 5, and this release reads up to 4"),
      });
  });

  it("is indexed anew where SPIFFE ids are made in another way", async () => {
    const folder = join(dir, "store");
    const first = await openRegistry({ dir: folder, clock });
    await load(first, 3, "even");
    expect(first.deviceIdsBy("spiffe", "spiffe://x/d1", undefined, 9)).toEqual([]);
    await first[Symbol.asyncDispose]();
    const naming = {
      version: "x",
      of: ({ id }: { id: string }) => `spiffe://x/${id}`,
      deviceIn: (spiffeId: string) => spiffeId.slice("spiffe://x/".length),
    };
    const registry = await openRegistry({ dir: folder, clock, naming });
    expect(registry.deviceIdsBy("spiffe", "spiffe://x/d1", undefined, 9)).toEqual(["d1"]);
    await registry[Symbol.asyncDispose]();
  });
});

describe("a store file that was cut off", () => {
  it.each([0.999, 0.9, 0.5, 0.1])("to a share of %d is refused with what to do", async (share) => {
    const folder = join(dir, "store");
    const registry = await openRegistry({ dir: folder, clock });
    await load(registry, 400, "even");
    await load(registry, 400, "odd");
    await registry[Symbol.asyncDispose]();
    const file = join(folder, "records.lmdb");
    await copyFile(file, join(dir, "kept"));
    const { size } = await stat(file);
    await truncate(file, Math.floor(size * share));
    await expect(openRegistry({ dir: folder, clock })).rejects.toMatchObject({
      code: "store_unavailable",
      message: expect.stringMatching(/cut off/),
    });
    // The whole file is good: it was the cut that was refused.
    await copyFile(join(dir, "kept"), file);
    const again = await openRegistry({ dir: folder, clock });
    expect(seen(again, 400)).toEqual(["odd"]);
    await again[Symbol.asyncDispose]();
  });
});

describe("a full disk", () => {
  it("in the midst of a snapshot leaves the snapshot before, and a fault that says so", {
    timeout: 60_000,
  }, async () => {
    const folder = join(dir, "store");
    const registry = await openRegistry({ dir: folder, clock });
    await load(registry, 400, "even");
    await registry[Symbol.asyncDispose]();
    const { size } = await stat(join(folder, "records.lmdb"));
    const odd = Array.from({ length: 4000 }, (_, each) => entry.device(`d${each}`, { hw_rev: "odd" }));
    await writeFile(join(dir, "odd.ndjson"), ndjson(odd));
    // Files may grow to here and no further: a write beyond it fails as on a full disk.
    const blocks = Math.ceil((size * 1.5) / 1024);
    const child = spawn(
      "bash",
      [
        "-c",
        `trap '' XFSZ; ulimit -f ${blocks}; exec "$0" --import tsx test/registry/full-disk-child.ts "$1" "$2"`,
        process.execPath,
        folder,
        join(dir, "odd.ndjson"),
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    let told = "";
    child.stdout.on("data", (data: Buffer) => (told += data.toString()));
    await new Promise((resolve) => child.once("close", resolve));
    expect(JSON.parse(told)).toMatchObject({ code: "store_unavailable", seen: ["even"], revision: 1 });
    const again = await openRegistry({ dir: folder, clock });
    expect(seen(again, 400)).toEqual(["even"]);
    expect(again.device("d3000")).toBeUndefined();
    // With room again, the same snapshot goes in.
    expect(await load(again, 4000, "odd")).toBeUndefined();
    expect(seen(again, 4000)).toEqual(["odd"]);
    await again[Symbol.asyncDispose]();
  });
});
