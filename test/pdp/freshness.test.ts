import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { Change } from "../../src/decision/change.ts";
import type { Decision } from "../../src/decision/decision.ts";
import type { FeedChoice } from "../../src/registry/feed-choice.ts";
import { openRegistry, type Registry } from "../../src/registry/registry.ts";
import { RegistryReader } from "../../src/registry/registry-reader.ts";
import type { AnyRecord, RecordReader } from "../../src/registry/stored-record.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { corePdp } from "../pdp.ts";
import { brokerPeer, certificateFacts, deviceRecord, floorRecord, tenantRecord } from "../records.ts";
import { shippedSnapshot } from "../shipped.ts";

const start = 1_800_000_000;
const day = 86_400;
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const fleet = (tenant: string, ...ids: string[]): AnyRecord[] => [
  tenantRecord(tenant),
  floorRecord(tenant, "meter", start),
  ...ids.map((id) => deviceRecord(id, start, { tenant })),
];

function keyOf(record: AnyRecord): `device:${string}` {
  const of = record as { id?: string; tenant?: string; class?: string };
  const key =
    of.id === undefined
      ? `firmware_policy:${of.tenant}/${of.class}`
      : `${of.tenant === undefined ? "tenant" : "device"}:${of.id}`;
  return key as `device:${string}`;
}

async function say(
  registry: Registry,
  clock: ManualClock,
  name: string,
  records: readonly AnyRecord[],
  choice?: FeedChoice,
) {
  const feed = registry.feed(name, choice);
  await feed.snapshot({ asOfMs: clock.monotonicMs(), maxLostShare: 1 }, async (sink) => {
    for (const [line, record] of records.entries()) sink.put({ key: keyOf(record), record }, line + 1);
    await sink.flush();
    return { trailer: true };
  });
  return feed;
}

function asked(
  records: RecordReader,
  onChange: (listener: (change: Change) => void) => unknown,
  clock: ManualClock,
) {
  const pdp = corePdp(Object.assign(records, { onChange }), clock);
  pdp.activate(shippedSnapshot());
  const decider = pdp.decider(brokerPeer);
  return (id: string, tenant: string): Decision =>
    decider.decide({
      kind: "publish",
      subject: { client_id: id, proof: { key: id, credential: certificateFacts(id, start, { tenant }) } },
      topic: `t/${tenant}/d/${id}/ops/temp`,
      qos: 0,
      retain: false,
    }) as Decision;
}

describe("facts of two sources", () => {
  it("age apart: the device of the silent one degrades, the other does not, remembered or not", async () => {
    const clock = new ManualClock(start);
    const registry = await openRegistry({ memory: true, clock });
    closing.push(() => registry[Symbol.asyncDispose]());
    const alive = await say(registry, clock, "alive", fleet("acme", "a1", "a2"), { tenants: ["acme"] });
    await say(registry, clock, "silent", fleet("globex", "g1"), { tenants: ["globex"] });
    const ask = asked(registry, registry.onChange.bind(registry), clock);
    expect([ask("a1", "acme").reason, ask("g1", "globex").reason]).toEqual(["ok", "ok"]);
    clock.advance(8 * day);
    await alive.bookmark(clock.monotonicMs());
    expect(ask("a1", "acme")).toMatchObject({ reason: "ok", cached: true, registry_age_s: 0 });
    expect(ask("a2", "acme")).toMatchObject({ reason: "ok", cached: false, registry_age_s: 0 });
    expect(ask("g1", "globex")).toMatchObject({
      allow: false,
      reason: "facts_stale",
      registry_age_s: 8 * day,
    });
    // The oldest of all is what the service as a whole says of itself.
    expect(registry.freshness().ageS).toBe(8 * day);
  });

  it("an answer that rests on both ends when the older one of them grows too old", async () => {
    const clock = new ManualClock(start);
    const registry = await openRegistry({ memory: true, clock });
    closing.push(() => registry[Symbol.asyncDispose]());
    const devices = await say(registry, clock, "devices", [deviceRecord("a1", start)], { kinds: ["device"] });
    await say(registry, clock, "homes", [tenantRecord("acme"), floorRecord("acme", "meter", start)]);
    const ask = asked(registry, registry.onChange.bind(registry), clock);
    clock.advance(40);
    await devices.bookmark(clock.monotonicMs());
    const first = ask("a1", "acme");
    expect(first).toMatchObject({ reason: "ok", registry_age_s: 40 });
    const left = (first.valid_until ?? 0) - clock.now();
    clock.advance(left - 1);
    await devices.bookmark(clock.monotonicMs());
    expect(ask("a1", "acme")).toMatchObject({ reason: "ok", cached: true });
    clock.advance(1);
    await devices.bookmark(clock.monotonicMs());
    expect(ask("a1", "acme")).toMatchObject({ cached: false, reason: "ok_stale_facts" });
  });

  it("who is unknown is unknown only while everybody who could know is heard", async () => {
    const clock = new ManualClock(start);
    const registry = await openRegistry({ memory: true, clock });
    closing.push(() => registry[Symbol.asyncDispose]());
    const acme = await say(registry, clock, "acme", fleet("acme", "a1"), { tenants: ["acme"] });
    const globex = await say(registry, clock, "globex", [], { tenants: ["globex"] });
    const ask = asked(registry, registry.onChange.bind(registry), clock);
    expect(ask("who", "acme").reason).toBe("device_unknown");
    clock.advance(8 * day);
    await acme.bookmark(clock.monotonicMs());
    // It has said nothing so far, and could have by now.
    expect(ask("who", "acme").reason).toBe("facts_stale");
    expect(ask("a1", "acme").reason).toBe("ok");
    await globex.bookmark(clock.monotonicMs());
    expect(ask("who", "acme").reason).toBe("device_unknown");
  });

  it("a reader in another process ages each by itself, also between two messages of the writer", async () => {
    const clock = new ManualClock(start);
    const dir = mkdtempSync(join(tmpdir(), "sallyport-ages-"));
    closing.push(() => rmSync(dir, { recursive: true, force: true }));
    const registry = await openRegistry({ dir, clock });
    closing.push(() => registry[Symbol.asyncDispose]());
    const alive = await say(registry, clock, "alive", fleet("acme", "a1"), { tenants: ["acme"] });
    await say(registry, clock, "silent", fleet("globex", "g1"), { tenants: ["globex"] });
    const reader = new RegistryReader(dir, clock);
    closing.push(() => reader[Symbol.asyncDispose]());
    const told = () => ({
      revision: registry.revision,
      synced: true,
      sources: registry
        .knownSources()
        .map(({ age: { asOfMs }, ...scope }) => ({ ...scope, age: { asOfMs } })),
    });
    reader.apply({ scope: "everything", revision: registry.revision }, told());
    const ask = asked(reader, () => undefined, clock);
    expect([ask("a1", "acme").reason, ask("g1", "globex").reason]).toEqual(["ok", "ok"]);
    clock.advance(8 * day - 10);
    await alive.bookmark(clock.monotonicMs());
    reader.told(told());
    clock.advance(10);
    expect(ask("a1", "acme")).toMatchObject({ reason: "ok", registry_age_s: 10 });
    expect(ask("g1", "globex")).toMatchObject({ reason: "facts_stale", registry_age_s: 8 * day });
    expect([reader.sourceAgeS("alive"), reader.sourceAgeS("silent")]).toEqual([10, 8 * day]);
  });
});
