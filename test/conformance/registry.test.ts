/** The sync contract (SYN rows of the registry feed) held against every store. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { Change } from "../../src/decision/change.ts";
import type { DeviceRecord } from "../../src/decision/facts.ts";
import { type BucketDigest, bucketOf, digestOf } from "../../src/registry/bucket-digest.ts";
import type { Feed } from "../../src/registry/feed.ts";
import { createRecordValidator } from "../../src/registry/record-validator.ts";
import { openRegistry, type Registry } from "../../src/registry/registry.ts";
import type { SyncEvent, SyncReply } from "../../src/registry/sync.ts";
import { SyncSession } from "../../src/registry/sync-session.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { device, now } from "../registry/records.ts";

const validate = createRecordValidator();

interface Running {
  readonly registry: Registry;
  readonly clock: ManualClock;
  readonly feed: Feed;
  readonly changes: Change[];
  readonly replies: SyncReply[];
  readonly session: SyncSession;
  /** Says all of it and puts it in force. */
  say(...events: readonly SyncEvent[]): Promise<void>;
  /** The connection ends, another one begins. */
  reconnect(epoch?: string): Promise<Running>;
  /** Lifecycle of a device, `invalid`, or `undefined` where there is none. */
  state(id: string): string | undefined;
}

const snapshot = (revision: number): SyncEvent => ({ type: "begin_snapshot", revision });
const end = (count: number, checksum = ""): SyncEvent => ({ type: "end_snapshot", count, checksum });
const bookmark = (revision: number, as_of: number): SyncEvent => ({ type: "bookmark", revision, as_of });
const gone = (revision: number, id: string): SyncEvent => ({ type: "delete", key: `device:${id}`, revision });

function put(revision: number, id: string, lifecycle = "active", over: object = {}): SyncEvent {
  const { prev, ...rest } = over as { prev?: number };
  const record = device(id, { state: { ...device(id).state, lifecycle }, ...rest } as Partial<DeviceRecord>);
  const event = { type: "upsert", kind: "device", record: JSON.stringify(record), revision } as const;
  return prev === undefined ? event : { ...event, prev };
}

const stores = [
  { name: "memory", durable: false },
  { name: "lmdb", durable: true },
] as const;

const closing: (() => PromiseLike<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

describe.each(stores)("a feed into $name", ({ durable }) => {
  async function run(
    registry: Registry,
    clock: ManualClock,
    tenants: readonly string[],
    epoch: string,
  ): Promise<Running> {
    const feed = registry.feed("feed", { tenants });
    const replies: SyncReply[] = [];
    const changes: Change[] = [];
    registry.onChange((change) => changes.push(change));
    const reply = (each: SyncReply): void => void replies.push(each);
    const session = new SyncSession({ feed, validate, clock, epoch, maxLostShare: 1, reply, idleMs: 300 });
    const running: Running = {
      registry,
      clock,
      feed,
      changes,
      replies,
      session,
      async say(...events) {
        for (const event of events) await session.take(event);
        await session.flush();
      },
      async reconnect(next = epoch) {
        await session[Symbol.asyncDispose]();
        await feed[Symbol.asyncDispose]();
        return run(registry, clock, tenants, next);
      },
      state(id) {
        const stored = registry.device(id);
        return stored?.invalid === undefined ? stored?.record?.state.lifecycle : "invalid";
      },
    };
    closing.push(() => session[Symbol.asyncDispose]());
    return running;
  }

  async function start({ tenants = ["*"], dir = "" } = {}): Promise<Running> {
    const clock = new ManualClock(now);
    let where = dir;
    if (durable && where === "") {
      where = await mkdtemp(join(tmpdir(), "sallyport-sync-"));
      closing.push(() => rm(where, { recursive: true, force: true }));
    }
    const registry = await openRegistry(durable ? { dir: where, clock } : { memory: true, clock });
    closing.push(() => registry[Symbol.asyncDispose]());
    return run(registry, clock, tenants, "e1");
  }

  async function synced(options = {}): Promise<Running> {
    const running = await start(options);
    await running.say(snapshot(100), put(0, "meter-001"), put(0, "meter-002"), end(2));
    running.replies.length = 0;
    running.changes.length = 0;
    return running;
  }

  it("SYN-01: is ready after a snapshot and follows its deltas", async () => {
    const feed = await start();
    await feed.say(snapshot(100), put(0, "meter-001"), put(0, "meter-002"));
    expect(feed.registry.freshness().synced).toBe(false);
    await feed.say(end(2), put(101, "meter-002", "quarantined"));
    expect([feed.state("meter-001"), feed.state("meter-002")]).toEqual(["active", "quarantined"]);
    expect(feed.feed.position).toEqual({ epoch: "e1", revision: 101 });
    expect(feed.replies).toEqual([
      { type: "ack", revision: 100 },
      { type: "ack", revision: 101 },
    ]);
    expect(feed.registry.status().counts).toEqual({ device: { active: 1, quarantined: 1 } });
  });

  it("SYN-02: decides nothing from half a snapshot", async () => {
    const feed = await start();
    await feed.say(snapshot(100), put(0, "meter-001"));
    const again = await feed.reconnect();
    expect(again.registry.freshness().synced).toBe(false);
    expect([again.state("meter-001"), again.session.resume]).toEqual([undefined, undefined]);
  });

  it("SYN-03: swaps a new snapshot in as a whole", async () => {
    const feed = await synced();
    await feed.say(snapshot(200), put(0, "meter-001"));
    expect(feed.state("meter-002")).toBe("active");
    await feed.say(end(1));
    expect(feed.state("meter-002")).toBeUndefined();
    expect(feed.changes).toMatchObject([{ keys: ["device:meter-002"] }]);
  });

  it("SYN-04: ignores what it was told before", async () => {
    const feed = await synced();
    await feed.say(put(101, "meter-001", "quarantined"), put(102, "meter-001"));
    await feed.say(put(101, "meter-001", "quarantined"));
    expect(feed.state("meter-001")).toBe("active");
    expect(feed.feed.counters.duplicates_ignored).toBe(1);
  });

  it("SYN-05: never lets an older version win, and keeps the retired retired", async () => {
    const feed = await synced();
    await feed.say(put(105, "meter-001", "retired"), put(104, "meter-001"));
    expect(feed.state("meter-001")).toBe("retired");
    await feed.say(put(106, "meter-001"));
    expect(feed.state("meter-001")).toBe("retired");
    expect(feed.replies.at(-2)).toMatchObject({ type: "nack", revision: 106, key: "device:meter-001" });
    await feed.say(snapshot(200), put(0, "meter-001"), put(0, "meter-002"), end(2));
    expect(feed.state("meter-001")).toBe("retired");
  });

  it("applies a late change of another record, whose own version it is", async () => {
    const feed = await synced();
    await feed.say(put(105, "meter-001", "quarantined"), put(104, "meter-002", "safe_mode"));
    expect([feed.state("meter-001"), feed.state("meter-002")]).toEqual(["quarantined", "safe_mode"]);
  });

  it("SYN-06: stops at a gap, ages, and goes on from where it stopped", async () => {
    const feed = await synced();
    await feed.say(put(101, "meter-001", "quarantined", { prev: 100 }), bookmark(101, now));
    feed.replies.length = 0;
    await feed.say(put(103, "meter-002", "quarantined", { prev: 102 }));
    expect(feed.replies).toMatchObject([{ type: "resync", reason: "gap", from: 101 }]);
    feed.clock.advance(600);
    await feed.say(bookmark(103, now + 600));
    expect(feed.registry.freshness().ageS).toBe(600);
    expect(feed.state("meter-002")).toBe("active");
    const missing = put(102, "meter-001", "active", { prev: 101 });
    await feed.say(missing, put(103, "meter-002", "quarantined", { prev: 102 }), bookmark(103, now + 600));
    expect([feed.state("meter-001"), feed.state("meter-002")]).toEqual(["active", "quarantined"]);
    expect(feed.registry.freshness().ageS).toBe(0);
    expect(feed.feed.counters.gaps).toBe(1);
  });

  it("SYN-06: a bookmark ahead of what was sent is a gap: nothing is fresh by it, and nothing behind it is taken", async () => {
    const feed = await synced();
    feed.clock.advance(60);
    await feed.say(bookmark(103, now + 60));
    expect(feed.replies).toMatchObject([{ type: "resync", reason: "gap", from: 100 }]);
    expect(feed.registry.freshness().ageS).toBe(60);
    // Whether it is the change that was missing cannot be known: it does not say what came before it.
    await feed.say(put(104, "meter-001", "quarantined"), bookmark(104, now + 60));
    expect([feed.state("meter-001"), feed.feed.position?.revision]).toEqual(["active", 100]);
    expect(feed.registry.freshness().ageS).toBe(60);
    await feed.say(snapshot(104), put(0, "meter-001", "quarantined"), put(0, "meter-002"), end(2));
    await feed.say(bookmark(104, now + 60));
    expect([feed.state("meter-001"), feed.registry.freshness().ageS]).toEqual(["quarantined", 0]);
  });

  it("SYN-07: takes a snapshot where the source cannot resume, and answers meanwhile", async () => {
    const feed = await (await synced()).reconnect();
    expect(feed.session.resume).toBe(100);
    await feed.say(snapshot(300), put(0, "meter-001", "quarantined"));
    expect(feed.registry.freshness().synced).toBe(true);
    expect(feed.state("meter-001")).toBe("active");
    await feed.say(put(0, "meter-002"), end(2));
    expect(feed.state("meter-001")).toBe("quarantined");
  });

  it("refuses positions of another epoch until it has a snapshot of it", async () => {
    const feed = await (await synced()).reconnect("e2");
    expect(feed.session.resume).toBeUndefined();
    await feed.say(put(101, "meter-001", "quarantined"), put(102, "meter-001", "quarantined"));
    expect(feed.replies).toMatchObject([{ type: "resync", reason: "snapshot_needed" }]);
    expect(feed.state("meter-001")).toBe("active");
    await feed.say(snapshot(1), put(0, "meter-001", "quarantined"), end(1), put(2, "meter-001"));
    expect(feed.state("meter-001")).toBe("active");
    expect(feed.feed.position).toEqual({ epoch: "e2", revision: 2 });
  });

  it("forgets in a new epoch what the old one had deleted", async () => {
    const feed = await synced();
    await feed.say(gone(500, "meter-002"));
    const again = await feed.reconnect("e2");
    await again.say(snapshot(1), put(0, "meter-001"), end(1), put(2, "meter-002"));
    expect(again.state("meter-002")).toBe("active");
  });

  it("refuses a snapshot that is older than what is in force", async () => {
    const feed = await synced();
    await expect(feed.session.take(snapshot(99))).rejects.toMatchObject({ code: "snapshot_refused" });
    expect(feed.state("meter-002")).toBe("active");
  });

  it("SYN-08, SYN-09: is fresh by bookmarks alone, and stale where nothing is said", async () => {
    const feed = await synced();
    for (let minute = 0; minute < 60; minute++) {
      feed.clock.advance(60);
      await feed.say(bookmark(100, feed.clock.now()));
    }
    expect(feed.registry.freshness()).toMatchObject({ ageS: 0, watermark: now + 3600 });
    feed.clock.advance(600);
    expect(feed.registry.freshness()).toMatchObject({ ageS: 600, watermark: now + 3600 });
  });

  it("SYN-10: does not bring a deleted record back by a late change", async () => {
    const feed = await synced();
    await feed.say(gone(103, "meter-002"));
    const again = await feed.reconnect();
    await again.say(put(102, "meter-002"));
    expect(again.state("meter-002")).toBeUndefined();
    expect(again.feed.counters.duplicates_ignored).toBe(1);
    await again.say(put(104, "meter-002"));
    expect(again.state("meter-002")).toBe("active");
    expect(again.registry.status().counts).toEqual({ device: { active: 2 } });
  });

  it("ignores what is older than its last snapshot, also of records that it did not hold", async () => {
    const feed = await synced();
    await feed.say(put(99, "meter-009"), gone(100, "meter-001"));
    expect([feed.state("meter-009"), feed.state("meter-001")]).toEqual([undefined, "active"]);
  });

  it("SYN-13, SYN-14: isolates a bad record, ignores unknown fields, and goes on", async () => {
    const feed = await synced();
    await feed.say(
      put(101, "meter-001", "active", { class: null }),
      put(102, "meter-002", "quarantined", { new_field: 1 }),
      { type: "upsert", kind: "device", record: "{", revision: 103 },
      { type: "upsert", kind: "planet", record: "{}", revision: 104 },
    );
    expect([feed.state("meter-001"), feed.state("meter-002")]).toEqual(["invalid", "quarantined"]);
    expect(feed.replies.map((each) => (each.type === "nack" ? each.revision : each.type))).toEqual([
      101,
      103,
      104,
      "ack",
    ]);
    expect(feed.registry.status().sources[0]?.rejectedTotal).toBe(3);
  });

  it("SYN-16: writes and deletes records of its tenants only", async () => {
    const feed = await synced({ tenants: ["acme"] });
    await feed.say(
      put(101, "leaf-77", "active", { tenant: "globex" }),
      put(102, "meter-001", "active", { tenant: "globex" }),
      put(103, "meter-003", "active", { class: null, tenant: "globex" }),
      put(104, "meter-002", "quarantined"),
    );
    expect([feed.state("leaf-77"), feed.state("meter-003")]).toEqual([undefined, undefined]);
    expect(feed.registry.device("meter-001")?.record?.tenant).toBe("acme");
    expect(feed.state("meter-002")).toBe("quarantined");
    expect(feed.replies.filter(({ type }) => type === "nack")).toHaveLength(3);
  });

  /** What a source that holds these records says of the bucket of a key. */
  function digest(id: string, records: Readonly<Record<string, number>>): BucketDigest {
    const bucket = bucketOf(`device:${id}`);
    const entries = Object.entries(records).map(
      ([each, version]) => [`device:${each}` as const, version] as const,
    );
    return { tenant: "acme", bucket, ...digestOf(entries.filter(([key]) => bucketOf(key) === bucket)) };
  }
  const versioned = (version: number, id: string, lifecycle = "active", revision = 0): SyncEvent => ({
    ...(put(revision, id, lifecycle) as SyncEvent & { type: "upsert" }),
    version,
  });

  it("SYN-11: asks for a bucket that differs, is not fresh until it is mended, and takes it whole", async () => {
    const feed = await start();
    await feed.say(
      snapshot(100),
      versioned(90, "meter-001"),
      versioned(91, "meter-002"),
      versioned(92, "extra"),
      end(3),
    );
    feed.replies.length = 0;
    const truth = { "meter-001": 90, "meter-002": 95 };
    const all = [
      ...new Set(["meter-001", "meter-002", "extra"].map((id) => JSON.stringify(digest(id, truth)))),
    ];
    const digests = all.map((each) => JSON.parse(each) as BucketDigest);
    const said = (): SyncEvent => ({ type: "bookmark", revision: 100, as_of: feed.clock.now(), digests });
    feed.clock.advance(30);
    await feed.say(said());
    const asked = feed.replies.filter((each) => each.type === "refetch");
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.map(({ bucket }) => bucket)).toContain(bucketOf("device:meter-002"));
    expect(feed.registry.status().sources[0]).toMatchObject({ ageS: 30, diverges: true });
    for (const { bucket, tenant } of asked) {
      const mended = Object.entries(truth).filter(([id]) => bucketOf(`device:${id}`) === bucket);
      await feed.say(
        { type: "begin_bucket", tenant, bucket, revision: 100 },
        ...mended.map(([id, version]) => versioned(version, id, version === 95 ? "quarantined" : "active")),
        { type: "end_bucket", count: mended.length },
      );
    }
    expect([feed.state("meter-001"), feed.state("meter-002"), feed.state("extra")]).toEqual([
      "active",
      "quarantined",
      undefined,
    ]);
    await feed.say(said());
    expect(feed.registry.status().sources[0]).toMatchObject({ ageS: 0, synced: true });
    expect(feed.registry.status().sources[0]?.diverges).toBeUndefined();
    expect(feed.feed.counters.divergences).toBe(asked.length);
  });

  it("holds the versions that a snapshot gives its records", async () => {
    const feed = await start();
    await feed.say(snapshot(100), versioned(90, "meter-001"), versioned(150, "meter-002"), end(2));
    const truth = { "meter-001": 90, "meter-002": 150 };
    const said = ["meter-001", "meter-002"].map((id) => JSON.stringify(digest(id, truth)));
    const digests = [...new Set(said)].map((each) => JSON.parse(each) as BucketDigest);
    await feed.say({ type: "bookmark", revision: 100, as_of: now, digests });
    expect(feed.replies.at(-1)).toEqual({ type: "ack", revision: 100 });
    // Older than the record that the snapshot held, though not than the snapshot.
    await feed.say(versioned(149, "meter-002", "quarantined", 101));
    expect(feed.state("meter-002")).toBe("active");
    await feed.say(versioned(151, "meter-002", "quarantined", 102));
    expect(feed.state("meter-002")).toBe("quarantined");
  });

  it("SYN-12: finds one frozen row behind a fresh maximum", async () => {
    const feed = await start();
    await feed.say(snapshot(100), versioned(90, "meter-001"), versioned(91, "meter-002"), end(2));
    // The source changed meter-002 at 101, and that was lost; 102 for meter-001 arrives.
    await feed.say(put(102, "meter-001", "quarantined"));
    feed.clock.advance(10);
    await feed.say({ type: "bookmark", revision: 102, as_of: feed.clock.now() });
    expect(feed.registry.freshness().ageS).toBe(0);
    feed.clock.advance(10);
    const truth = { "meter-001": 102, "meter-002": 101 };
    await feed.say({
      type: "bookmark",
      revision: 102,
      as_of: feed.clock.now(),
      digests: [digest("meter-002", truth)],
    });
    expect(feed.replies.at(-1)).toMatchObject({ type: "refetch", bucket: bucketOf("device:meter-002") });
    expect(feed.registry.freshness().ageS).toBe(10);
  });

  it("takes no part of a bucket that came incomplete, nor deletes by it", async () => {
    const feed = await synced();
    const bucket = bucketOf("device:meter-001");
    await feed.say(
      { type: "begin_bucket", tenant: "acme", bucket, revision: 100 },
      versioned(200, "meter-001", "quarantined"),
      { type: "end_bucket", count: 2 },
    );
    expect([feed.state("meter-001"), feed.state("meter-002")]).toEqual(["active", "active"]);
  });

  it("isolates a key that a snapshot holds twice: which of the two is true cannot be known", async () => {
    const feed = await start();
    await feed.say(
      snapshot(100),
      put(0, "meter-001"),
      put(0, "meter-002"),
      put(0, "meter-001", "quarantined"),
      end(3),
    );
    expect([feed.state("meter-001"), feed.state("meter-002")]).toEqual(["invalid", "active"]);
    expect(feed.replies[0]).toMatchObject({ type: "nack", key: "device:meter-001" });
  });

  it("SYN-15: announces a revoked credential with the record that it is of, before it acknowledges", async () => {
    const feed = await synced();
    const { credentials } = device("meter-001");
    const revoked = { "fp-meter-001": { ...credentials["fp-meter-001"], status: "revoked" } };
    let told = "";
    feed.registry.onChange((change) => {
      const { status } = feed.registry.device("meter-001")?.record?.credentials["fp-meter-001"] ?? {};
      told = `${JSON.stringify(change.scope === "records" ? change.keys : change.scope)} ${status} ${feed.replies.length}`;
    });
    await feed.say(put(101, "meter-001", "active", { credentials: revoked }));
    expect(told).toBe('["device:meter-001"] revoked 0');
    expect(feed.replies).toEqual([{ type: "ack", revision: 101 }]);
  });

  it("does not wait for a source that comes and goes", async () => {
    const feed = await synced();
    feed.registry.feed("guest", { awaited: false });
    expect(feed.registry.freshness().synced).toBe(true);
    feed.registry.feed("configured");
    expect(feed.registry.freshness().synced).toBe(false);
  });

  it("is aged by every source that has records, and by no other", async () => {
    const feed = await synced();
    const other = feed.registry.feed("other");
    await other.snapshot({ asOfMs: feed.clock.monotonicMs(), maxLostShare: 1 }, async () => ({
      trailer: true,
    }));
    feed.clock.advance(60);
    await feed.say(bookmark(100, now + 60));
    expect(feed.registry.freshness().ageS).toBe(0);
    feed.clock.advance(60);
    await other.bookmark(feed.clock.monotonicMs());
    expect(feed.registry.freshness().ageS).toBe(60);
  });

  it("leaves records of another source alone, and names both", async () => {
    const feed = await synced();
    const other = feed.registry.feed("other");
    const replies: SyncReply[] = [];
    const reply = (each: SyncReply): void => void replies.push(each);
    const { clock } = feed;
    const session = new SyncSession({ feed: other, validate, clock, epoch: "x", maxLostShare: 1, reply });
    for (const event of [snapshot(1), put(0, "meter-001", "retired"), put(0, "o1"), end(2)])
      await session.take(event);
    for (const event of [put(2, "meter-001", "retired"), gone(3, "meter-002")]) await session.take(event);
    await session.flush();
    expect([feed.state("meter-001"), feed.state("meter-002"), feed.state("o1")]).toEqual([
      "active",
      "active",
      "active",
    ]);
    const nacks = replies.filter((each) => each.type === "nack");
    expect(nacks).toHaveLength(3);
    for (const { reason } of nacks) expect(reason).toMatch(/`feed`.*`other`/);
    await session[Symbol.asyncDispose]();
  });

  it("SYN-18: is not made fresher, nor older, by a clock that goes backwards or ahead", async () => {
    const feed = await synced();
    await feed.say(bookmark(100, now));
    await feed.say(bookmark(100, now - 3600));
    expect(feed.registry.freshness().watermark).toBe(now);
    expect(feed.feed.counters.clock_backwards).toBe(1);
    await feed.say(bookmark(100, now + 3600));
    expect(feed.registry.freshness().watermark).toBe(now);
    feed.clock.advance(100);
    expect(feed.registry.freshness().watermark).toBe(now);
  });

  it("tells a source that goes backwards to begin again", async () => {
    const feed = await synced();
    await feed.say(put(105, "meter-001"), bookmark(90, now));
    expect(feed.replies.at(-1)).toMatchObject({ type: "resync", reason: "backwards" });
  });

  it.each([
    ["a wrong count", end(3)],
    ["a wrong checksum", end(2, `sha256:${"0".repeat(64)}`)],
  ])("refuses a snapshot with %s and keeps what is in force", async (_name, wrong) => {
    const feed = await synced();
    await feed.say(snapshot(200), put(0, "meter-001"), put(0, "meter-003"), wrong);
    expect(feed.replies.at(-1)).toMatchObject({ type: "resync", reason: "refused" });
    expect([feed.state("meter-002"), feed.state("meter-003")]).toEqual(["active", undefined]);
    expect(feed.feed.position?.revision).toBe(100);
  });

  it("gives up a snapshot that stands still, so that others are not kept waiting", async () => {
    const feed = await synced();
    await feed.say(snapshot(200), put(0, "meter-001"));
    const other = feed.registry.feed("other");
    await other.snapshot({ asOfMs: 0, maxLostShare: 1 }, async () => ({ trailer: true }));
    expect(feed.state("meter-002")).toBe("active");
  });

  it.runIf(durable)("resumes after a restart from what is on disk", async () => {
    const dir = await mkdtemp(join(tmpdir(), "sallyport-sync-"));
    closing.push(() => rm(dir, { recursive: true, force: true }));
    const feed = await synced({ dir });
    await feed.say(put(101, "meter-001", "quarantined"), gone(102, "meter-002"));
    await feed.session[Symbol.asyncDispose]();
    await feed.registry[Symbol.asyncDispose]();
    const again = await start({ dir });
    expect(again.session.resume).toBe(102);
    expect([again.state("meter-001"), again.state("meter-002")]).toEqual(["quarantined", undefined]);
    await again.say(put(101, "meter-002"), put(103, "meter-001"));
    expect([again.state("meter-001"), again.state("meter-002")]).toEqual(["active", undefined]);
  });
});
