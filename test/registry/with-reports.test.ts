/** What others than the owner of a record say of a device: who may say what, and whose word counts. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Change } from "../../src/decision/change.ts";
import type { FeedChoice } from "../../src/registry/feed-choice.ts";
import { createRecordValidator } from "../../src/registry/record-validator.ts";
import { openRegistry, type Registry } from "../../src/registry/registry.ts";
import { RegistryReader } from "../../src/registry/registry-reader.ts";
import type { RecordReader } from "../../src/registry/stored-record.ts";
import { withReports } from "../../src/registry/with-reports.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { device, now } from "./records.ts";

const validate = createRecordValidator();
const firmware = { version: "2.5.0", key: 2_005_000, svn: 8, channel: "production" } as const;
const readiness = { battery_pct: 12, mains: false, idle: false, tz_offset_s: 3600 };
const affirming = {
  status: "affirming",
  vector: { executables: 2 },
  verifier: "veraison",
  key_fingerprint: "fp-a",
  appraised_at: now - 60,
  expires_at: now + 3600,
} as const;
const report = (origin: string, over: object): object => ({ origin, device: "a", tenant: "acme", ...over });

describe("reports of a device", () => {
  let registry: Registry;
  let records: RecordReader;
  const clock = new ManualClock(now);

  /** All that a source has, as one snapshot; why its entries were refused. */
  async function say(name: string, kind: "device" | "report", entries: object[], choice: FeedChoice = {}) {
    const feed = registry.feed(name, choice);
    const refused: (string | undefined)[] = [];
    await feed.snapshot({ asOfMs: clock.monotonicMs(), maxLostShare: 1 }, async (sink) => {
      for (const [index, each] of entries.entries())
        refused.push(sink.put(validate(kind, structuredClone(each)), index + 1));
      return { trailer: false };
    });
    await feed[Symbol.asyncDispose]();
    return refused.filter((reason) => reason !== undefined);
  }
  const base = (over: object = {}): Promise<unknown> => say("cmdb", "device", [{ ...device("a"), ...over }]);
  const asDevice = (over: object): Promise<unknown> =>
    say("edge", "report", [report("device", over)], { origin: "device" });
  const asVerifier = (over: object): Promise<unknown> =>
    say("veraison", "report", [report("verifier", over)], { origin: "verifier" });
  const joined = () => records.device("a");

  beforeEach(async () => {
    registry = await openRegistry({ memory: true, clock });
    records = withReports(registry);
  });
  afterEach(() => registry[Symbol.asyncDispose]());

  it("a device's word counts where the operator leaves it to the device, and nowhere else", async () => {
    await base();
    expect(await asDevice({ firmware, readiness })).toEqual([]);
    expect(joined()?.record).toEqual(device("a"));
    expect(joined()?.said).toBeUndefined();
    await base({ provenance: { firmware: "device" } });
    expect(joined()?.record?.firmware).toEqual(firmware);
    expect(joined()?.record?.ota.battery_pct).toBe(80);
    await base({ provenance: { firmware: "device", readiness: "device" } });
    expect(joined()?.record?.ota).toEqual({ ...device("a").ota, ...readiness });
    expect(joined()?.said?.map(({ group, origin, source }) => [group, origin, source])).toEqual([
      ["firmware", "device", "edge"],
      ["readiness", "device", "edge"],
    ]);
  });

  it("what was measured of the firmware stays, whatever the device says it runs", async () => {
    const measured = { ...device("a").firmware, attested_key: 2_003_000 };
    await base({ provenance: { firmware: "device" }, firmware: measured });
    await asDevice({ firmware });
    expect(joined()?.record?.firmware).toEqual({ ...firmware, attested_key: 2_003_000 });
    await asVerifier({ attested_key: 2_005_000 });
    expect(joined()?.record?.firmware).toEqual({ ...firmware, attested_key: 2_005_000 });
  });

  it("a verifier's word on evidence replaces older evidence, never newer one", async () => {
    await base({ attestation: { ...affirming, appraised_at: now - 10, status: "contraindicated" } });
    await asVerifier({ attestation: affirming });
    expect(joined()?.record?.attestation?.status).toBe("contraindicated");
    await asVerifier({ attestation: { ...affirming, appraised_at: now - 10 } });
    expect(joined()?.record?.attestation?.status).toBe("affirming");
    expect(joined()?.said).toMatchObject([{ group: "attestation", origin: "verifier", source: "veraison" }]);
  });

  it.each<[string, object]>([
    ["device", { attestation: affirming }],
    ["device", { attested_key: 1 }],
    ["verifier", { firmware }],
    ["verifier", { readiness }],
    ["verifier", { attestation: { ...affirming, appraised_at: now, expires_at: now - 1 } }],
  ])("what is not for a %s to say isolates the device: %j", async (origin, over) => {
    await base({ provenance: { firmware: "device" } });
    const told = await (origin === "device" ? asDevice(over) : asVerifier(over));
    expect(told).toHaveLength(1);
    expect(joined()?.invalid).toContain(`report:${origin}/a`);
    // It is well again when the report is.
    await (origin === "device" ? asDevice({ firmware }) : asVerifier({ attested_key: 1 }));
    expect(joined()?.invalid).toBeUndefined();
  });

  it("a feed writes reports of its own origin only, and no device", async () => {
    await base();
    const origin = { origin: "device" } as const;
    expect(await say("edge", "report", [report("verifier", { attested_key: 1 })], origin)).toHaveLength(1);
    expect(await say("edge", "device", [device("b")], origin)).toHaveLength(1);
    expect([registry.report("verifier", "a"), registry.device("b")]).toEqual([undefined, undefined]);
    // It takes nothing from who owns the record.
    expect(await say("edge", "device", [{ ...device("a"), class: null }], origin)).toHaveLength(1);
    expect(joined()?.record).toEqual(device("a"));
  });

  it("a report of another tenant is none, and a report alone is no device", async () => {
    await base({ provenance: { firmware: "device" } });
    await asDevice({ firmware, tenant: "globex" });
    expect(joined()?.record?.firmware).toEqual(device("a").firmware);
    await say("cmdb", "device", []);
    await asDevice({ firmware });
    expect(joined()).toBeUndefined();
  });

  it("a device that alone tells its firmware, and has not yet, is isolated", async () => {
    const { firmware: _none, ...without } = device("a");
    expect(await say("cmdb", "device", [without])).toHaveLength(1);
    expect(await say("cmdb", "device", [{ ...without, provenance: { firmware: "device" } }])).toEqual([]);
    expect(joined()?.invalid).toContain("firmware");
    await asDevice({ firmware });
    expect(joined()?.record?.firmware).toEqual(firmware);
  });

  it("a report that changes is a change of its device, and workers and a restart find it", async () => {
    const dir = mkdtempSync(join(tmpdir(), "sallyport-reports-"));
    await registry[Symbol.asyncDispose]();
    registry = await openRegistry({ dir, clock });
    records = withReports(registry);
    await base({ provenance: { firmware: "device" } });
    await asDevice({ firmware });
    const reader = new RegistryReader(dir, clock);
    const worker = withReports(reader);
    const told = () => ({
      revision: registry.revision,
      synced: true,
      sources: registry.knownSources(),
    });
    reader.apply({ scope: "everything", revision: registry.revision }, told());
    expect(worker.device("a")?.record?.firmware?.key).toBe(2_005_000);
    const changes: Change[] = [];
    registry.onChange((change) => {
      changes.push(change);
      reader.apply(change, told());
    });
    const before = joined()?.revision ?? 0;
    await asDevice({ firmware: { ...firmware, key: 2_005_001 } });
    expect(changes).toMatchObject([{ scope: "records", keys: ["report:device/a", "device:a"] }]);
    expect(joined()?.revision).toBeGreaterThan(before);
    expect(worker.device("a")?.record?.firmware?.key).toBe(2_005_001);
    await reader[Symbol.asyncDispose]();
    await registry[Symbol.asyncDispose]();
    registry = await openRegistry({ dir, clock });
    expect(withReports(registry).device("a")?.record?.firmware?.key).toBe(2_005_001);
    rmSync(dir, { recursive: true, force: true });
  });
});
