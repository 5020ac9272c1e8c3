import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import type { Change } from "../../src/decision/change.ts";
import type { Feed, SnapshotOptions } from "../../src/registry/feed.ts";
import { parseEntry } from "../../src/registry/parse-entry.ts";
import { createRecordValidator } from "../../src/registry/record-validator.ts";
import { openRegistry, type Registry } from "../../src/registry/registry.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { device, entry, now, tenant } from "./records.ts";

const validate = createRecordValidator();
const dirs: string[] = [];
afterAll(async () => {
  for (const dir of dirs) await rm(dir, { recursive: true, force: true });
});

/** Feeds entries as one snapshot, line by line. */
async function feedAll(
  feed: Feed,
  entries: readonly unknown[],
  options: Partial<SnapshotOptions> = {},
): Promise<void> {
  await feed.snapshot({ asOfMs: 0, maxLostShare: 0.5, ...options }, async (sink) => {
    for (const [index, value] of entries.entries()) {
      const parsed = parseEntry(structuredClone(value), validate);
      if ("end" in parsed) return { trailer: true };
      sink.put(parsed, index + 1);
      await sink.flush();
    }
    return { trailer: false };
  });
}

interface Backend {
  readonly name: string;
  /** Whether records are there again after closing and opening. */
  readonly durable: boolean;
  open(clock: ManualClock, dir: string): Promise<Registry>;
}

const backends: readonly Backend[] = [
  { name: "memory", durable: false, open: (clock) => openRegistry({ memory: true, clock }) },
  { name: "lmdb", durable: true, open: (clock, dir) => openRegistry({ dir, clock }) },
];

async function newDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "sallyport-registry-"));
  dirs.push(dir);
  return dir;
}

const fleet = [entry.tenant("acme"), entry.policy("acme", "meter"), entry.device("m1"), entry.device("m2")];

describe.each(backends)("a registry in $name", ({ open, durable }) => {
  async function opened(): Promise<{
    registry: Registry;
    clock: ManualClock;
    feed: Feed;
    changes: Change[];
  }> {
    const clock = new ManualClock(now);
    const registry = await open(clock, await newDir());
    const changes: Change[] = [];
    registry.onChange((change) => changes.push(change));
    return { registry, clock, feed: registry.feed("file"), changes };
  }

  it("answers nothing and is not synced before a snapshot is complete (SYN-02)", async () => {
    const { registry, feed } = await opened();
    expect(registry.freshness()).toEqual({ synced: false, watermark: 0, ageS: now });
    await feed
      .snapshot({ asOfMs: 0, maxLostShare: 0.5 }, async (sink) => {
        for (let each = 0; each < 600; each++) {
          sink.put(parseEntry(entry.device(`m${each}`), validate) as never, each + 1);
          await sink.flush();
        }
        expect(registry.device("m1")).toBeUndefined();
        expect(registry.freshness().synced).toBe(false);
        throw new Error("the stream breaks");
      })
      .catch((error: unknown) => expect(error).toMatchObject({ code: "source_unavailable" }));
    expect(registry.device("m1")).toBeUndefined();
    expect(registry.revision).toBe(0);
    await feedAll(feed, fleet);
    expect(registry.device("m1")?.record).toEqual(device("m1"));
    expect(registry.device("m9")).toBeUndefined();
    await registry[Symbol.asyncDispose]();
  });

  it("answers what was fed, with the revision of each record's last real change", async () => {
    const { registry, feed } = await opened();
    await feedAll(feed, fleet);
    await feedAll(feed, [...fleet.slice(0, 3), entry.device("m2", { hw_rev: "r3" })]);
    expect(registry.revision).toBe(2);
    expect(registry.device("m1")).toEqual({
      key: "device:m1",
      revision: 1,
      source: "file",
      record: device("m1"),
    });
    expect(registry.device("m2")).toEqual({
      key: "device:m2",
      revision: 2,
      source: "file",
      record: device("m2", { hw_rev: "r3" }),
    });
    expect(registry.tenant("acme")).toEqual({
      key: "tenant:acme",
      revision: 1,
      source: "file",
      record: tenant("acme"),
    });
    expect(registry.firmwarePolicy("acme", "meter")?.record?.patched_key).toBe(2_004_000);
    expect(registry.firmwarePolicy("acme", "pump")).toBeUndefined();
    await registry[Symbol.asyncDispose]();
  });

  it("forgets what a broken snapshot had staged, also after the next one (SYN-02)", async () => {
    const { registry, feed } = await opened();
    await feedAll(feed, fleet);
    // More than the draft holds back, so that much of it was written out of sight already.
    const many = Array.from({ length: 3000 }, (_, each) => entry.device(`x${each}`));
    const changed = [...fleet.slice(0, 2), entry.device("m1", { hw_rev: "r9" }), ...many];
    const poison = {
      kind: "device",
      get record(): never {
        throw new Error("cut");
      },
    };
    const broken = feed.snapshot({ asOfMs: 0, maxLostShare: 1 }, async (sink) => {
      for (const [index, value] of [...changed, poison].entries()) {
        const parsed = parseEntry(value === poison ? poison : structuredClone(value), validate);
        if (!("end" in parsed)) sink.put(parsed, index + 1);
        await sink.flush();
      }
      return { trailer: false };
    });
    await expect(broken).rejects.toThrow("cut");
    await feedAll(feed, [...fleet, entry.device("m3")]);
    expect(registry.device("m3")?.record?.id).toBe("m3");
    expect(registry.device("m1")).toEqual({
      key: "device:m1",
      revision: 1,
      source: "file",
      record: device("m1"),
    });
    expect(many.filter(({ record }) => registry.device(record.id) !== undefined)).toEqual([]);
    await registry[Symbol.asyncDispose]();
  });

  it("announces what really changed, once readers see it", async () => {
    const { registry, feed, changes } = await opened();
    await feedAll(feed, fleet);
    expect(changes).toEqual([{ scope: "everything", revision: 1 }]);
    await feedAll(feed, [...fleet].reverse());
    expect(changes).toHaveLength(1);
    let seen: unknown;
    registry.onChange(() => {
      seen = [
        registry.device("m1"),
        registry.device("m2")?.record?.hw_rev,
        registry.tenant("acme")?.record?.ota_hold,
      ];
    });
    await feedAll(feed, [
      entry.tenant("acme", { ota_hold: true }),
      fleet[1],
      entry.device("m2", { hw_rev: "r3" }),
    ]);
    expect(seen).toEqual([undefined, "r3", true]);
    const [, change] = changes;
    expect(change).toMatchObject({ scope: "records", revision: 2 });
    expect(change?.scope === "records" && [...change.keys].sort()).toEqual([
      "device:m1",
      "device:m2",
      "tenant:acme",
    ]);
    await registry[Symbol.asyncDispose]();
  });

  it("calls every listener though one throws, and says so", async () => {
    const { registry, feed } = await opened();
    await feedAll(feed, fleet);
    let called = 0;
    const stop = registry.onChange(() => {
      throw new Error("deaf");
    });
    registry.onChange(() => called++);
    await expect(feedAll(feed, fleet.slice(0, 3))).rejects.toMatchObject({ code: "internal" });
    expect([called, registry.device("m2")]).toEqual([1, undefined]);
    stop();
    await feedAll(feed, fleet);
    expect(registry.device("m2")?.record).toEqual(device("m2"));
    await registry[Symbol.asyncDispose]();
  });

  it("isolates a bad record, and a record that is given twice (SYN-13)", async () => {
    const { registry, feed } = await opened();
    await feedAll(feed, fleet);
    const bad = { kind: "device", record: { ...device("m1"), class: null } };
    await feedAll(feed, [
      ...fleet.slice(0, 2),
      bad,
      fleet[3],
      fleet[3],
      { kind: "device", record: {} },
      { kind: "toaster" },
    ]);
    expect(registry.device("m1")).toMatchObject({ revision: 2, invalid: expect.stringContaining("`class`") });
    expect(registry.device("m2")).toMatchObject({ revision: 2, invalid: "given more than once" });
    const [source] = registry.status().sources;
    expect(source?.rejected.map(({ line, key }) => [line, key])).toEqual([
      [3, "device:m1"],
      [5, "device:m2"],
      [6, undefined],
      [7, undefined],
    ]);
    expect(registry.status().counts).toEqual({
      device: { invalid: 2 },
      tenant: { active: 1 },
      firmware_policy: { in_force: 1 },
    });
    await feedAll(feed, fleet);
    expect(registry.device("m1")?.record).toEqual(device("m1"));
    expect(registry.status().sources[0]?.rejectedTotal).toBe(0);
    await registry[Symbol.asyncDispose]();
  });

  it("refuses a snapshot that would lose too much, until it is confirmed", async () => {
    const { registry, feed } = await opened();
    const many = Array.from({ length: 200 }, (_, each) => entry.device(`d${each}`));
    await feedAll(feed, many);
    await expect(feedAll(feed, many.slice(0, 99))).rejects.toMatchObject({ code: "snapshot_refused" });
    const spoiled = many.map(({ record }, each) => ({
      kind: "device",
      record: each < 101 ? { id: record.id } : record,
    }));
    await expect(feedAll(feed, spoiled)).rejects.toThrow("101 of 200");
    expect(registry.device("d150")?.record?.id).toBe("d150");
    expect(registry.status().sources[0]?.fault?.code).toBe("snapshot_refused");
    await feedAll(feed, many.slice(0, 100));
    expect(registry.device("d150")).toBeUndefined();
    await feedAll(feed, many.slice(0, 100));
    await feedAll(feed, many.slice(0, 1));
    expect(registry.status().counts).toEqual({ device: { active: 1 } });
    await registry[Symbol.asyncDispose]();
  });

  it("keeps sources apart: one never touches what another feeds (SYN-16)", async () => {
    const { registry, feed } = await opened();
    const other = registry.feed("other");
    expect(() => registry.feed("other")).toThrow("`other`");
    await feedAll(feed, fleet);
    expect(registry.freshness().synced).toBe(false);
    await Promise.all([
      feedAll(other, [entry.device("m1", { hw_rev: "r9" }), entry.device("o1")]),
      feedAll(feed, fleet),
    ]);
    expect(registry.freshness().synced).toBe(true);
    expect(registry.device("m1")?.record?.hw_rev).toBe("r2");
    expect(registry.status().sources[1]?.rejected[0]?.reason).toContain("belongs to source `file`");
    await feedAll(feed, fleet.slice(0, 2));
    expect([registry.device("m1"), registry.device("o1")?.record?.id]).toEqual([undefined, "o1"]);
    await registry[Symbol.asyncDispose]();
  });

  it("ages on the monotonic clock: no step of the wall clock makes facts fresh (SYN-08, SYN-09, SYN-18)", async () => {
    const { registry, feed, clock } = await opened();
    clock.advance(100);
    await feedAll(feed, fleet, { asOfMs: 97_000 });
    expect(registry.freshness()).toEqual({ synced: true, watermark: now + 97, ageS: 3 });
    clock.advance(60);
    clock.setWall(now - 5000);
    expect(registry.freshness()).toEqual({ synced: true, watermark: now - 5063, ageS: 63 });
    clock.setWall(now + 5000);
    expect(registry.freshness().ageS).toBe(63);
    await feed.bookmark(clock.monotonicMs() - 1000);
    await feed.bookmark(clock.monotonicMs() - 30_000);
    expect(registry.freshness().ageS).toBe(1);
    await feed.bookmark(clock.monotonicMs() + 99_000);
    expect(registry.freshness()).toEqual({ synced: true, watermark: now + 5000, ageS: 0 });
    await registry[Symbol.asyncDispose]();
  });

  it("answers every string, also those that cannot be an id", async () => {
    const { registry, feed } = await opened();
    await feedAll(feed, [...fleet, entry.device("\ufffd", { credentials: {} })]);
    for (const id of ["", "\ud800", "a/b", "x".repeat(5000), "__proto__", "m1\u0000"]) {
      expect([registry.device(id), registry.tenant(id), registry.firmwarePolicy(id, id)]).toEqual([
        undefined,
        undefined,
        undefined,
      ]);
    }
    expect(registry.device("\ufffd")?.record?.id).toBe("\ufffd");
    await registry[Symbol.asyncDispose]();
  });

  it.runIf(durable)("has its records, revision and age again after a restart", async () => {
    const dir = await newDir();
    const clock = new ManualClock(now);
    const before = await open(clock, dir);
    const feed = before.feed("file");
    await feedAll(feed, fleet);
    await feedAll(feed, [
      ...fleet.slice(0, 3),
      entry.device("m3"),
      { kind: "device", record: { id: "m4" } },
      { kind: "end" },
    ]);
    clock.advance(20);
    await feed.bookmark(clock.monotonicMs());
    await before[Symbol.asyncDispose]();

    const later = new ManualClock(now + 50);
    const after = await open(later, dir);
    expect(after.freshness()).toEqual({ synced: true, watermark: now + 20, ageS: 30 });
    expect(after.revision).toBe(2);
    expect(after.device("m1")?.record).toEqual(device("m1"));
    expect(after.device("m2")).toBeUndefined();
    expect(after.device("m4")?.invalid).toContain("`tenant`");
    expect(after.tenant("acme")?.record).toEqual(tenant("acme"));
    expect(after.status().counts).toMatchObject({ device: { active: 2, invalid: 1 } });
    expect(after.feed("file").hadTrailer).toBe(true);
    await after[Symbol.asyncDispose]();

    const unknownAge = await open(new ManualClock(now - 1000), dir);
    expect(unknownAge.freshness()).toEqual({ synced: true, watermark: 0, ageS: now - 1000 });
    await unknownAge[Symbol.asyncDispose]();
  });

  it("equals its source after every snapshot, whatever changed in between", async () => {
    const ids = fc.constantFrom("a", "b", "c", "d", "e");
    const item = fc.record({ id: ids, rev: fc.constantFrom("r1", "r2"), bad: fc.boolean() });
    const step = fc.record({ items: fc.array(item, { maxLength: 8 }), breaks: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6, size: "max" }), async (steps) => {
        const { registry, feed } = await opened();
        let model = new Map<string, string>();
        let revisions = new Map<string, number>();
        for (const { items, breaks } of steps) {
          const entries = items.map(({ id, rev, bad }) =>
            bad ? { kind: "device", record: { id, hw_rev: rev } } : entry.device(id, { hw_rev: rev }),
          );
          if (breaks) {
            const broken = feedAll(feed, [
              ...entries,
              {
                kind: "device",
                record: {
                  get id(): never {
                    throw new Error("cut");
                  },
                },
              },
            ]);
            await expect(broken).rejects.toThrow();
          } else {
            await feedAll(feed, entries);
            const next = new Map<string, string>();
            for (const { id, rev, bad } of items) next.set(id, next.has(id) ? "twice" : bad ? "bad" : rev);
            const changed = [...next].filter(([id, state]) => model.get(id) !== state);
            revisions = new Map([...next.keys()].map((id) => [id, revisions.get(id) ?? 0]));
            for (const [id] of changed) revisions.set(id, registry.revision);
            model = next;
          }
          for (const id of ["a", "b", "c", "d", "e"]) {
            const stored = registry.device(id);
            const state =
              stored?.record?.hw_rev ??
              (stored?.invalid === "given more than once" ? "twice" : stored && "bad");
            expect([id, state, stored?.revision]).toEqual([id, model.get(id), revisions.get(id)]);
          }
          const counted = Object.values(registry.status().counts["device"] ?? {}).reduce(
            (sum, each) => sum + each,
            0,
          );
          expect(counted).toBe(model.size);
        }
        await registry[Symbol.asyncDispose]();
      }),
      { numRuns: 60 },
    );
  });
});
