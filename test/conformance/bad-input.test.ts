/** Bad input of a feed, kind by kind, into every store: it harms the record that it is about, and no other. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { SyncEvent } from "../../src/registry/sync.ts";
import { deviceOf } from "./sync/source.ts";
import { Stand } from "./sync/stand.ts";

const many = (count: number): [string, number][] => Array.from({ length: count }, (_, i) => [`c${i}`, i]);
type Json = { [name: string]: unknown };
const now = 1_800_000_000;

describe.each([
  ["memory", false],
  ["lmdb", true],
])("bad input into %s", (_name, durable) => {
  let stand: Stand;
  beforeEach(async () => {
    stand = await Stand.withTwo(durable);
  });
  afterEach(() => stand[Symbol.asyncDispose]());

  const upsert = (record: unknown, revision: number, kind = "device"): SyncEvent => ({
    type: "upsert",
    kind,
    record: typeof record === "string" ? record : JSON.stringify(record),
    revision,
  });
  const nacks = () => stand.replies.flatMap((each) => (each.type === "nack" ? [each] : []));
  /** meter-001 with one member replaced, however odd. */
  const odd = (patch: Json): Json => ({ ...(deviceOf("meter-001", now) as unknown as Json), ...patch });
  const credential = { status: "active", bound_at: 1, last_used_at: 1, devices: 1 };
  const evidence = { status: "affirming", vector: {}, verifier: "v", key_fingerprint: "f" };

  it.each<[string, unknown, string]>([
    ["no JSON", "{", "device"],
    ["of an unknown kind", { id: "meter-001" }, "planet"],
    ["of a kind that is a member of every object", { id: "meter-001" }, "constructor"],
    ["without an id", odd({ id: undefined }), "device"],
    ["with an id that is no name", odd({ id: "a/b" }), "device"],
    ["with a list as its id", odd({ id: ["meter-001"] }), "device"],
  ])("a record that is %s is told of, and names nobody", async (_what, record, kind) => {
    await stand.say(upsert(record, 101, kind), upsert(deviceOf("meter-002", now, quarantined), 102));
    expect(nacks()).toMatchObject([{ revision: 101 }]);
    expect(await stand.connect("meter-001")).toBe("ok");
    expect(await stand.connect("meter-002")).toBe("ok_quarantine_channel");
  });

  it.each<[string, Json, string]>([
    ["a class that is null", { class: null }, "class"],
    ["a text for a list", { regions: "eu-west" }, "regions"],
    ["a list for a map", { credentials: [credential] }, "credentials"],
    ["a text for a number", { children: "4" }, "children"],
    ["a text for a truth", { ota: { ...deviceOf("meter-001", now).ota, mains: "secret" } }, "mains"],
    [
      "an unknown lifecycle",
      { state: { ...deviceOf("meter-001", now).state, lifecycle: "secret" } },
      "lifecycle",
    ],
    ["a time that is a text", { support: { support_ends_at: "2030-01-01", eol_at: 0 } }, "support_ends_at"],
    ["a time before all time", { support: { support_ends_at: -1, eol_at: 0 } }, "support_ends_at"],
    ["a time with a fraction", { support: { support_ends_at: 1.5, eol_at: 0 } }, "support_ends_at"],
    ["a time in milliseconds", { support: { support_ends_at: now * 1000, eol_at: 0 } }, "support_ends_at"],
    ["an end of service before its support", { support: { support_ends_at: 20, eol_at: 10 } }, "support"],
    [
      "a credential that ends before it begins",
      { credentials: { f: { ...credential, not_before: 10, not_after: 9 } } },
      "credentials",
    ],
    [
      "evidence that expires before it was appraised",
      { attestation: { ...evidence, appraised_at: 10, expires_at: 9 } },
      "attestation",
    ],
  ])(
    "%s isolates its device alone, and the reason names the field and no value",
    async (_what, patch, field) => {
      await stand.say(upsert(odd(patch), 101), upsert(deviceOf("meter-002", now, quarantined), 102));
      expect(nacks()).toMatchObject([{ revision: 101, key: "device:meter-001" }]);
      expect(nacks()[0]?.reason).toContain(field);
      expect(nacks()[0]?.reason).not.toContain("secret");
      expect(await stand.connect("meter-001")).toBe("facts_invalid");
      expect(await stand.connect("meter-002")).toBe("ok_quarantine_channel");
      // It is well again when its record is.
      await stand.say(upsert(odd({}), 103));
      expect(await stand.connect("meter-001")).toBe("ok");
    },
  );

  const deep = "[".repeat(100_000) + "]".repeat(100_000);
  it.each([
    ["a record that is nested deeper than a stack", deep, undefined],
    ["a field that is", JSON.stringify(odd({})).replace('"hw_rev":"r2"', `"hw_rev":${deep}`), "hw_rev"],
    ["half a character", JSON.stringify(odd({})).replace('"zone":"none"', '"zone":"\\ud800"'), "zone"],
    ["an endless number", JSON.stringify(odd({})).replace('"svn":7', '"svn":1e999'), "svn"],
    [
      "twenty thousand components",
      JSON.stringify(
        odd({
          firmware: { ...deviceOf("meter-001", now).firmware, components: Object.fromEntries(many(20_000)) },
        }),
      ),
      "components",
    ],
  ])(
    "%s isolates its device, if it can be read whose it is, and stops nobody",
    async (_what, record, field) => {
      await stand.say(upsert(record, 101), upsert(deviceOf("meter-002", now, quarantined), 102));
      expect(nacks()).toHaveLength(1);
      expect(await stand.connect("meter-001")).toBe(field === undefined ? "ok" : "facts_invalid");
      if (field !== undefined) expect(nacks()[0]?.reason).toContain(field);
      expect(await stand.connect("meter-002")).toBe("ok_quarantine_channel");
    },
  );

  it("what no schema names may be nested as deep as it likes: it is dropped", async () => {
    const record = JSON.stringify(odd({})).replace(/}$/, `,"more":${deep},"__proto__":{"state":null}}`);
    await stand.say(upsert(record, 101));
    expect(nacks()).toEqual([]);
    expect(await stand.connect("meter-001")).toBe("ok");
    expect(Object.keys(stand.registry.device("meter-001")?.record ?? {})).not.toContain("more");
  });

  it("a key that comes twice: in a snapshot it is isolated, as changes the newer one counts", async () => {
    await stand.say(
      upsert(deviceOf("meter-001", now, quarantined), 102),
      upsert(deviceOf("meter-001", now), 102),
      upsert(deviceOf("meter-001", now), 101),
    );
    expect(await stand.connect("meter-001")).toBe("ok_quarantine_channel");
    expect(stand.feed.counters.duplicates_ignored).toBe(2);
    await stand.begin(200);
    await stand.put("meter-001", {});
    await stand.put("meter-001", quarantined);
    await stand.put("meter-002", {});
    await stand.end(3);
    expect(await stand.connect("meter-001")).toBe("facts_invalid");
    expect(await stand.connect("meter-002")).toBe("ok");
  });

  it("a source whose clock is an hour behind is as old as it says; one that is ahead is no fresher than now", async () => {
    stand.clock.advance(7200);
    await stand.bookmark(100, 3600);
    expect(stand.registry.freshness().ageS).toBe(3600);
    await stand.bookmark(100, -3600);
    expect(stand.registry.freshness()).toMatchObject({ ageS: 0, watermark: stand.clock.now() });
    stand.clock.advance(60);
    expect(stand.registry.freshness().ageS).toBe(60);
  });

  it("a source that went back and catches up is not taken up where it was: its changes lead from elsewhere", async () => {
    await stand.put("meter-001", quarantined, { revision: 105 });
    await stand.bookmark(103, 0);
    stand.replies.length = 0;
    stand.clock.advance(60);
    // What it did meanwhile to meter-002, at 104, is not known here.
    await stand.say(upsert(deviceOf("meter-001", now), 106), {
      ...upsert(deviceOf("meter-001", now), 107),
      prev: 105,
    } as SyncEvent);
    await stand.bookmark(107, 0);
    expect([stand.replies, stand.registry.freshness().ageS]).toEqual([[], 60]);
    expect(await stand.connect("meter-001")).toBe("ok_quarantine_channel");
    await stand.begin(107);
    await stand.put("meter-001", quarantined);
    await stand.put("meter-002", quarantined);
    await stand.end(2);
    await stand.bookmark(107, 0);
    expect(stand.registry.freshness().ageS).toBe(0);
    expect(await stand.connect("meter-002")).toBe("ok_quarantine_channel");
  });

  it("a source that goes backwards is told so, and nothing of it counts", async () => {
    await stand.put("meter-001", quarantined, { revision: 105 });
    stand.clock.advance(60);
    await stand.bookmark(101, 0);
    expect(stand.replies.at(-1)).toMatchObject({ type: "resync", reason: "backwards", from: 105 });
    expect(stand.registry.freshness().ageS).toBe(60);
    await expect(stand.session.take({ type: "begin_snapshot", revision: 99 })).rejects.toMatchObject({
      code: "snapshot_refused",
    });
    expect(await stand.connect("meter-001")).toBe("ok_quarantine_channel");
  });

  const quarantined = { state: { lifecycle: "quarantined" } };
});
