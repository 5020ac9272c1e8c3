/** SYN-11 and SYN-12 for what others say of devices, and for records that are isolated; against every store. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { RecordKey } from "../../src/decision/facts.ts";
import { type BucketDigest, bucketOf, digestOf } from "../../src/registry/bucket-digest.ts";
import type { FeedChoice } from "../../src/registry/feed-choice.ts";
import { createRecordValidator } from "../../src/registry/record-validator.ts";
import { openRegistry, type Registry } from "../../src/registry/registry.ts";
import type { SyncEvent, SyncReply } from "../../src/registry/sync.ts";
import { SyncSession } from "../../src/registry/sync-session.ts";
import { withReports } from "../../src/registry/with-reports.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { device, now } from "../registry/records.ts";

const validate = createRecordValidator();
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

type Truth = Readonly<Record<RecordKey, number>>;

/** What a source that holds these keys of `tenant` says of all its buckets, empty ones of `also` included. */
function digestsOf(tenant: string, truth: Truth, ...also: RecordKey[]): BucketDigest[] {
  const entries = Object.entries(truth) as [RecordKey, number][];
  const buckets = new Set([...entries.map(([key]) => key), ...also].map(bucketOf));
  return [...buckets].map((bucket) => ({
    tenant,
    bucket,
    ...digestOf(entries.filter(([key]) => bucketOf(key) === bucket)),
  }));
}

function report(id: string, version: number, attested_key = 2_004_001, tenant = "acme"): SyncEvent {
  const record = { origin: "verifier", device: id, tenant, told_at: now, attested_key };
  return { type: "upsert", kind: "report", record: JSON.stringify(record), revision: 0, version };
}

describe.each(["memory", "lmdb"] as const)("digests into %s", (store) => {
  async function open() {
    const clock = new ManualClock(now);
    let registry: Registry;
    if (store === "memory") registry = await openRegistry({ memory: true, clock });
    else {
      const dir = await mkdtemp(join(tmpdir(), "sallyport-digests-"));
      closing.push(() => rm(dir, { recursive: true, force: true }));
      registry = await openRegistry({ dir, clock });
    }
    closing.push(() => registry[Symbol.asyncDispose]());
    const source = (name: string, choice: FeedChoice) => {
      const replies: SyncReply[] = [];
      const session = new SyncSession({
        feed: registry.feed(name, choice),
        validate,
        clock,
        epoch: "e1",
        maxLostShare: 1,
        reply: (each) => void replies.push(each),
      });
      closing.push(() => session[Symbol.asyncDispose]());
      return {
        replies,
        async say(...events: readonly SyncEvent[]) {
          for (const event of events) await session.take(event);
          await session.flush();
          return replies.splice(0);
        },
        mark: (revision: number, digests: readonly BucketDigest[]): SyncEvent => ({
          type: "bookmark",
          revision,
          as_of: clock.now(),
          digests,
        }),
      };
    };
    const of = (name: string) => registry.status().sources.find((each) => each.name === name);
    return { clock, registry, source, of, records: withReports(registry) };
  }

  it("find a report that was lost, one that is older here, and one too many, and mend them", async () => {
    const { clock, of, records, registry, source } = await open();
    const fleet = source("fleet", {});
    await fleet.say(
      { type: "begin_snapshot", revision: 1 },
      ...["a", "b", "c"].map(
        (id): SyncEvent => ({
          type: "upsert",
          kind: "device",
          record: JSON.stringify(device(id)),
          revision: 1,
        }),
      ),
      { type: "end_snapshot", count: 3, checksum: "" },
    );
    const verifier = source("verifier", { origin: "verifier" });
    await verifier.say(
      { type: "begin_snapshot", revision: 10 },
      report("a", 1),
      report("c", 2),
      // Another tenant's, in whatever bucket: none of ours.
      report("g", 3, 1, "globex"),
      { type: "end_snapshot", count: 3, checksum: "" },
    );
    const truth: Truth = { "report:verifier/a": 5, "report:verifier/b": 6 };
    const digests = digestsOf("acme", truth, "report:verifier/c");
    clock.advance(30);
    const asked = (await verifier.say(verifier.mark(10, digests))).filter((each) => each.type === "refetch");
    expect(asked.map(({ bucket }) => bucket).sort()).toEqual(digests.map(({ bucket }) => bucket).sort());
    expect(of("verifier")).toMatchObject({ ageS: 30, diverges: true });
    const firmware = (id: string) => records.device(id)?.record?.firmware?.attested_key;
    expect(["a", "b", "c"].map(firmware)).toEqual([2_004_001, undefined, 2_004_001]);
    for (const { bucket, tenant } of asked) {
      const events = [report("a", 5, 2_005_000), report("b", 6, 2_006_000)].filter((_each, i) => {
        const key = (["report:verifier/a", "report:verifier/b"] as const)[i] ?? "report:";
        return bucketOf(key) === bucket;
      });
      await verifier.say({ type: "begin_bucket", tenant, bucket, revision: 10 }, ...events, {
        type: "end_bucket",
        count: events.length,
      });
    }
    expect(["a", "b", "c"].map(firmware)).toEqual([2_005_000, 2_006_000, undefined]);
    expect(registry.report("verifier", "g")).toBeDefined();
    await verifier.say(verifier.mark(10, digests));
    expect(of("verifier")).toMatchObject({ ageS: 0 });
    expect(of("verifier")?.diverges).toBeUndefined();
  });

  it("agree where a record is isolated: that is its device's, not the source's", async () => {
    const { clock, of, registry, source } = await open();
    const fleet = source("fleet", {});
    const broken = { ...device("bad"), regions: 7 };
    const sent = (id: string, record: unknown, version: number): SyncEvent => ({
      type: "upsert",
      kind: "device",
      record: JSON.stringify(record),
      revision: version,
      key: `device:${id}`,
    });
    await fleet.say(
      { type: "begin_snapshot", revision: 5 },
      sent("a", device("a"), 3),
      sent("bad", broken, 4),
      { type: "end_snapshot", count: 2, checksum: "" },
    );
    expect(registry.device("bad")?.invalid).toBeDefined();
    clock.advance(30);
    const digests = digestsOf("acme", { "device:a": 3, "device:bad": 4 });
    expect(await fleet.say(fleet.mark(5, digests))).toMatchObject([{ type: "ack" }]);
    expect(of("fleet")).toMatchObject({ ageS: 0 });
    // Of another version it is another record, and is asked for.
    const later = digestsOf("acme", { "device:a": 3, "device:bad": 5 });
    const bucket = bucketOf("device:bad");
    expect(await fleet.say(fleet.mark(5, later))).toMatchObject([{ type: "refetch", bucket }]);
  });
});
