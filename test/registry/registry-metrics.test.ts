/** What the numbers of the registry say after a source said this and that. */
import { expect, it } from "vitest";
import { createRecordValidator } from "../../src/registry/record-validator.ts";
import { openRegistry } from "../../src/registry/registry.ts";
import { registryMetrics } from "../../src/registry/registry-metrics.ts";
import type { SyncEvent } from "../../src/registry/sync.ts";
import { SyncSession } from "../../src/registry/sync-session.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { Fault } from "../../src/runtime/fault.ts";
import { device, now } from "./records.ts";

const put = (id: string, revision: number, over: object = {}, more: object = {}): SyncEvent => ({
  type: "upsert",
  kind: "device",
  record: JSON.stringify({ ...device(id), ...over }),
  revision,
  ...more,
});

it("count what is in force by kind and state, what happened on each feed, and how old each is", async () => {
  const clock = new ManualClock(now);
  await using registry = await openRegistry({ memory: true, clock });
  const metrics = registryMetrics(registry);
  /** Every sample of a metric, by its labels. */
  const read = (name: string): Record<string, number> => {
    const metric = metrics.find((each) => each.name === `sallyport_registry_${name}`);
    if (metric === undefined) throw new Error(`there is no metric ${name}`);
    const samples = metric.read();
    const list = typeof samples === "number" ? [{ labels: {}, value: samples }] : samples;
    return Object.fromEntries([...list].map(({ labels, value }) => [Object.values(labels).join(" "), value]));
  };
  const feed = registry.feed("cmdb");
  const session = new SyncSession({
    feed,
    clock,
    validate: createRecordValidator(),
    epoch: "e",
    maxLostShare: 1,
    reply: () => {},
  });
  const say = async (...events: readonly SyncEvent[]): Promise<void> => {
    for (const event of events) await session.take(event);
    await session.flush();
  };
  await say({ type: "begin_snapshot", revision: 100 }, put("a", 0), put("b", 0));
  await say({ type: "end_snapshot", count: 2, checksum: "" });
  await say(
    put("a", 101, { state: { ...device("a").state, lifecycle: "quarantined" } }),
    put("a", 101),
    put("c", 102, { class: null }),
    { type: "delete", key: "device:b", revision: 103 },
    put("d", 105, {}, { prev: 104 }),
  );
  clock.advance(40);
  feed.failed(new Fault("source_unavailable", "away"));
  expect(read("records")).toMatchObject({ "device quarantined": 1, "device invalid": 1 });
  expect(read("records")["device active"] ?? 0).toBe(0);
  expect(read("sync_events_total")).toMatchObject({
    "cmdb applied": 2,
    "cmdb duplicates_ignored": 1,
    "cmdb rejected": 1,
    "cmdb snapshots": 1,
    "cmdb gaps": 1,
  });
  expect(read("resyncs_total")).toEqual({ "cmdb gap": 1 });
  expect(read("source_rejected_records")).toEqual({ cmdb: 1 });
  expect(read("source_age_seconds")).toEqual({ cmdb: 40 });
  expect(read("age_seconds")).toEqual({ "": 40 });
  expect(read("revision")).toEqual({ "": registry.revision });
  expect(read("source_faulty")).toEqual({ cmdb: 1 });
  expect(read("source_diverges")).toEqual({ cmdb: 0 });
  await session[Symbol.asyncDispose]();
});
