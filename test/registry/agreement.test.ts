/** What agreed with its source is not read again until something was taken; what differs is asked for until it agrees. */
import { expect, it } from "vitest";
import { Agreement } from "../../src/registry/agreement.ts";
import { bucketOf, digestInSteps, digestOf } from "../../src/registry/bucket-digest.ts";
import { createRecordValidator } from "../../src/registry/record-validator.ts";
import { openRegistry } from "../../src/registry/registry.ts";
import type { SyncReply } from "../../src/registry/sync.ts";
import { SyncSession } from "../../src/registry/sync-session.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { device, now } from "./records.ts";

it("is found by reading the buckets that are in doubt, and no others", async () => {
  const clock = new ManualClock(now);
  await using registry = await openRegistry({ memory: true, clock });
  const feed = registry.feed("cmdb");
  const asked: number[][] = [];
  const { buckets } = feed;
  feed.buckets = (names) => {
    asked.push(names.map(({ bucket }) => bucket));
    return buckets.call(feed, names);
  };
  const validate = createRecordValidator();
  const session = new SyncSession({ feed, validate, clock, epoch: "e", maxLostShare: 1, reply: () => {} });
  const versions = new Map<string, number>(Array.from({ length: 40 }, (_, i) => [`d${i}`, 10]));
  const put = (id: string, revision: number): Promise<void> | undefined =>
    session.take({ type: "upsert", kind: "device", record: JSON.stringify(device(id)), revision });
  await session.take({ type: "begin_snapshot", revision: 10 });
  for (const id of versions.keys()) await put(id, 10);
  await session.take({ type: "end_snapshot", count: 40, checksum: "" });
  const said = (...wrong: number[]) =>
    [3, 4, 5].map((bucket) => {
      const held = [...versions].map(([id, version]) => [`device:${id}`, version] as const);
      const own = digestOf(held.filter(([key]) => bucketOf(key) === bucket));
      return { tenant: "acme", bucket, ...own, ...(wrong.includes(bucket) ? { checksum: "sha256:?" } : {}) };
    });
  const agreement = new Agreement();
  const replies: SyncReply[] = [];
  const agree = (...wrong: number[]): Promise<boolean> =>
    agreement.with(said(...wrong), feed, (reply) => replies.push(reply));
  expect([await agree(), await agree(), await agree()]).toEqual([true, true, true]);
  expect(asked).toEqual([[3, 4, 5]]);
  // What it says otherwise is looked at, as long as it differs.
  expect([await agree(4), await agree(4), await agree()]).toEqual([false, false, true]);
  expect(asked.slice(1)).toEqual([[4], [4], [4]]);
  expect(replies).toEqual([4, 4].map((bucket) => ({ type: "refetch", tenant: "acme", bucket })));
  // What was taken may have changed any of them.
  const [changed = ""] = [...versions.keys()].filter((id) => bucketOf(`device:${id}`) === 5);
  await put(changed, 11);
  await session.flush();
  expect(await agree()).toBe(false);
  versions.set(changed, 11);
  expect(await agree()).toBe(true);
  expect(asked.slice(4)).toEqual([[3, 4, 5], [5]]);
  await session[Symbol.asyncDispose]();
});

it("is the same however large a bucket is, in any order of its keys", async () => {
  const entries = Array.from({ length: 5000 }, (_, i) => [`device:d${i}`, i] as const);
  const shuffled = entries.toSorted(([a], [b]) => bucketOf(a) - bucketOf(b));
  expect(await digestInSteps(shuffled)).toEqual(digestOf(entries));
  expect(await digestInSteps(entries.slice(1))).not.toEqual(digestOf(entries));
  expect(await digestInSteps([])).toEqual(digestOf([]));
});
