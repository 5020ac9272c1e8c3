/**
 * What no honest source says: keys that are none, positions that order nothing, a protocol out of its order. Into every
 * store: nothing else is harmed, nothing is lost in silence, and the feed goes on where it can.
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createRecordValidator } from "../../src/registry/record-validator.ts";
import type { SyncEvent } from "../../src/registry/sync.ts";
import { SyncSession } from "../../src/registry/sync-session.ts";
import { deviceOf } from "./sync/source.ts";
import { Stand } from "./sync/stand.ts";

const now = 1_800_000_000;
const quarantined = { state: { lifecycle: "quarantined" } };

describe.each([
  ["memory", false],
  ["lmdb", true],
])("hostile input into %s", (_name, durable) => {
  let stand: Stand;
  beforeEach(async () => {
    stand = await Stand.withTwo(durable);
  });
  afterEach(() => stand[Symbol.asyncDispose]());

  const upsert = (id: string, revision: number, patch = {}, more: object = {}): SyncEvent => ({
    type: "upsert",
    kind: "device",
    record: JSON.stringify(deviceOf(id, now, patch)),
    revision,
    ...more,
  });
  const nacks = (): unknown[] => stand.replies.filter(({ type }) => type === "nack");
  /** Both answer as ever, the feed goes on, and all of it is there after a restart of the connection. */
  const unharmed = async (revision: number): Promise<void> => {
    await stand.say(upsert("meter-002", revision, quarantined));
    expect(await stand.connect("meter-001")).toBe("ok");
    expect(await stand.connect("meter-002")).toBe("ok_quarantine_channel");
    await stand.reconnect();
    expect(stand.session.resume).toBe(revision);
    expect(stand.registry.deviceIdsAfter(undefined, 9)).toEqual(["cam-3", "meter-001", "meter-002"]);
    expect(stand.registry.status().counts["device"]).toEqual({ active: 2, quarantined: 1 });
  };

  const keys = [
    ["none", ""],
    ["of no kind", "planet:x"],
    ["of a member of every object", "constructor:meter-001"],
    ["without an id", "device:"],
    ["with a wildcard", "device:meter-*"],
    ["with a slash", "device:acme/meter-001"],
    ["with a space", "device:meter 001"],
    ["half a pair of surrogates", "device:\ud800"],
    ["of a thousand characters", `device:${"m".repeat(1000)}`],
    ["of a hundred thousand characters", `device:${"m".repeat(100_000)}`],
    ["that the store keeps for itself", "!state"],
    ["that the store stages under", "~device:meter-001"],
    ["of a floor without a class", "firmware_policy:acme"],
    ["of a report of nobody", "report:operator/meter-001"],
  ] as const;

  it.each(keys)("a deletion of a key %s deletes nothing", async (_what, key) => {
    await stand.say({ type: "delete", key, revision: 101 });
    expect(nacks()).toHaveLength(1);
    await unharmed(102);
  });

  it.each(keys)("a record under a key %s is told of, and isolates nobody", async (_what, key) => {
    await stand.say(upsert("meter-001", 101, quarantined, { key }));
    expect(nacks()).toHaveLength(1);
    await unharmed(102);
  });

  it.each([
    ["no revision", 0],
    ["a revision below all", -5],
    ["a revision that numbers cannot tell apart", 2 ** 53 + 2],
    ["a revision with a fraction", 101.5],
    ["no number", Number.NaN],
  ])("a change with %s ends the connection: it is not dropped in silence", async (_what, revision) => {
    await expect(stand.say(upsert("meter-001", revision, quarantined))).rejects.toMatchObject({
      code: "record_invalid",
    });
    await stand.reconnect();
    await unharmed(102);
  });

  it.each([
    ["a version below all", { version: -1 }],
    ["a version that numbers cannot tell apart", { version: 2 ** 53 + 2 }],
    ["a change before it that is none", { prev: 0.5 }],
  ])("a change with %s ends the connection, in a snapshot as well", async (_what, more) => {
    const wrong = upsert("meter-001", 101, quarantined, more);
    await expect(stand.say(wrong)).rejects.toMatchObject({ code: "record_invalid" });
    await stand.reconnect();
    await stand.begin(200);
    await expect(stand.say(wrong)).rejects.toMatchObject({ code: "record_invalid" });
    await stand.reconnect();
    await unharmed(102);
  });

  it.each([-1, 2 ** 53 + 2, Number.NaN])("a snapshot of revision %d is not begun", async (revision) => {
    await expect(stand.say({ type: "begin_snapshot", revision })).rejects.toMatchObject({
      code: "record_invalid",
    });
    await stand.reconnect();
    await unharmed(101);
  });

  it("a snapshot may leave revisions out, and its end may come twice", async () => {
    await stand.begin(200);
    await stand.say(upsert("meter-001", 0), upsert("meter-002", 0));
    await stand.end(2);
    await stand.end(2);
    await stand.say({ type: "end_snapshot", count: 0, checksum: "" });
    expect(stand.replies).toEqual([{ type: "ack", revision: 200 }]);
    await unharmed(201);
  });

  it("a snapshot in a snapshot begins it anew: nothing of the first one counts", async () => {
    await stand.begin(200);
    await stand.say(upsert("meter-001", 0, quarantined), upsert("meter-003", 0));
    await stand.begin(201);
    await stand.say(upsert("meter-001", 0), upsert("meter-002", 0));
    await stand.end(2);
    await unharmed(202);
  });

  it("a bucket in a snapshot is no bucket: its records are the snapshot's", async () => {
    await stand.begin(200);
    await stand.say(upsert("meter-001", 0));
    await stand.say({ type: "begin_bucket", tenant: "acme", bucket: 3, revision: 200 });
    await stand.say(upsert("meter-002", 0), { type: "end_bucket", count: 1 });
    await stand.end(2);
    await unharmed(201);
  });

  it("a snapshot in a bucket ends it: the bucket is incomplete, the snapshot is not", async () => {
    await stand.say({ type: "begin_bucket", tenant: "acme", bucket: 3, revision: 101 });
    await stand.say(upsert("meter-001", 101, quarantined));
    await stand.begin(200);
    await stand.say(upsert("meter-001", 0), upsert("meter-002", 0));
    await stand.end(2);
    expect(stand.replies).toEqual([{ type: "ack", revision: 200 }]);
    await unharmed(201);
  });

  it("a bucket that never ends takes nothing after the source was told that something is missing", async () => {
    await stand.say({ type: "begin_bucket", tenant: "acme", bucket: 3, revision: 101 });
    await stand.say(upsert("meter-001", 101, quarantined));
    await stand.bookmark(101, 0);
    expect(stand.replies).toMatchObject([{ type: "resync", reason: "gap", from: 100 }]);
    await stand.say(upsert("meter-001", 101, {}, { prev: 100 }));
    await unharmed(102);
  });

  it("a bucket of a number that there is not, or of another tenant, deletes nothing", async () => {
    for (const [tenant, bucket] of [
      ["acme", 99],
      ["acme", -1],
      ["acme", 1.5],
      ["nobody", 3],
      ["", 0],
    ] as const) {
      await stand.say({ type: "begin_bucket", tenant, bucket, revision: 101 });
      await stand.say({ type: "end_bucket", count: 0 });
    }
    await unharmed(102);
  });

  it("a snapshot without end is given up: others wait for it", async () => {
    const { clock, feed } = stand;
    await stand.session[Symbol.asyncDispose]();
    const replies: unknown[] = [];
    const endless = new SyncSession({
      feed,
      clock,
      epoch: "e",
      maxLostShare: 1,
      validate: createRecordValidator(),
      mostRecords: 5,
      reply: (reply) => replies.push(reply),
    });
    await endless.take({ type: "begin_snapshot", revision: 200 });
    const sending = async (): Promise<void> => {
      for (let each = 0; ; each++) await endless.take(upsert(`meter-1${each}`, 0));
    };
    await expect(sending()).rejects.toMatchObject({ code: "snapshot_refused" });
    await endless[Symbol.asyncDispose]();
    expect(replies).toEqual([]);
    await stand.reconnect();
    await unharmed(101);
  });

  it("ends without a beginning mean nothing", async () => {
    await stand.say({ type: "end_bucket", count: 0 }, { type: "end_snapshot", count: 0, checksum: "" });
    expect(stand.replies).toEqual([]);
    await unharmed(101);
  });

  it.each([
    ["before all time", -1e15],
    ["after all time", 1e15],
    ["no number", Number.NaN],
  ])(
    "a bookmark whose time is %s makes nothing fresher than it is, and nothing older",
    async (_what, as_of) => {
      stand.clock.advance(60);
      await stand.say({ type: "bookmark", revision: 100, as_of });
      const { ageS, watermark } = stand.registry.freshness();
      expect([0, 60]).toContain(ageS);
      expect(watermark).toBe(stand.clock.now() - ageS);
      await stand.bookmark(100, 0);
      expect(stand.registry.freshness().ageS).toBe(0);
    },
  );

  it("a clock of ours that is set back, or ahead, changes no age and no order", async () => {
    await stand.bookmark(100, 0);
    stand.clock.advance(30);
    stand.clock.setWall(stand.clock.now() - 7200);
    expect(stand.registry.freshness().ageS).toBe(30);
    await stand.say({ type: "bookmark", revision: 100, as_of: stand.clock.now() + 7200 });
    expect(stand.registry.freshness().ageS).toBe(0);
    stand.clock.setWall(stand.clock.now() + 14_400);
    expect(stand.registry.freshness().ageS).toBe(0);
    await unharmed(101);
  });
});
