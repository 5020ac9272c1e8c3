/**
 * Every scenario of a registry feed that is handed from issue to issue is played as it is worded and must hold: through
 * the sync contract into each store, with a decider over it; over HTTP where a source is asked; through a whole service
 * where an enforcement point or the readiness probe sees it.
 */
import { afterEach, describe, expect, it } from "vitest";
import { bucketOf } from "../../src/registry/bucket-digest.ts";
import { sharedTables } from "../cases/table.ts";
import { playExpiry } from "./sync/http-stand.ts";
import { play, prepare, readScenarios, type Scenario } from "./sync/scenario.ts";
import { ServiceStand, until } from "./sync/service-stand.ts";
import { Stand } from "./sync/stand.ts";

const folder = sharedTables();
const scenarios = folder === undefined ? [] : readScenarios(folder);
const rowOf = (id: string): Scenario => {
  const found = scenarios.find((each) => each.id === id);
  if (found === undefined) throw new Error(`there is no row ${id}`);
  return found;
};
const ageS = (stand: Stand): number => stand.registry.freshness().ageS;

/** A row that a registry alone shows: what its `expect` asks for, in the row's own words, once its steps were played. */
interface Holds {
  readonly says: string;
  readonly now: (stand: Stand) => Promise<void>;
}

const held: Readonly<Record<string, Holds>> = {
  "SYN-01": {
    says: "ready after snapshot_end; meter-001 connect ok; meter-002 connect ok_quarantine_channel; watermark follows rev 101; resume token = 101",
    async now(stand) {
      expect(stand.replies).toEqual([
        { type: "ack", revision: 100 },
        { type: "ack", revision: 101 },
      ]);
      expect(await stand.connect("meter-001")).toBe("ok");
      expect(await stand.connect("meter-002")).toBe("ok_quarantine_channel");
      expect(stand.feed.position).toEqual({ epoch: "e", revision: 101 });
      stand.clock.advance(20);
      await stand.bookmark(101, 0);
      expect(stand.registry.freshness().watermark).toBe(stand.clock.now());
      await stand.reconnect();
      expect(stand.session.resume).toBe(101);
    },
  },
  "SYN-02": {
    says: "facts_not_ready for every device, also meter-001; readiness probe false",
    async now(stand) {
      for (const id of ["meter-001", "meter-002", "nobody"])
        expect(await stand.connect(id)).toBe("facts_not_ready");
      expect(stand.registry.freshness().synced).toBe(false);
    },
  },
  "SYN-03": {
    says: "before snapshot_end meter-002 ok; after it device_unknown (absent from snapshot = deleted); never a mixture",
    async now(stand) {
      expect(stand.asked).toEqual([["meter-002", "ok"]]);
      expect(await stand.connect("meter-002")).toBe("device_unknown");
      expect(await stand.connect("meter-001")).toBe("ok");
    },
  },
  "SYN-04": {
    says: "meter-001 active; counter duplicates_ignored = 1",
    async now(stand) {
      expect(await stand.connect("meter-001")).toBe("ok");
      expect(stand.feed.counters.duplicates_ignored).toBe(1);
    },
  },
  "SYN-05": {
    says: "meter-001 retired (older rev never overwrites newer); retired is terminal",
    async now(stand) {
      expect(await stand.connect("meter-001")).toBe("device_retired");
      await stand.put("meter-001", {}, { revision: 106 });
      expect(await stand.connect("meter-001")).toBe("device_retired");
      expect(stand.replies).toContainEqual(expect.objectContaining({ type: "nack", revision: 106 }));
    },
  },
  "SYN-06": {
    says: "gap detected; watermark frozen at 101; resume from 101 requested; if refused, full snapshot; decisions continue and become facts_stale when lag > soft",
    async now(stand) {
      expect(stand.feed.counters.gaps).toBe(1);
      expect(stand.replies.at(-1)).toMatchObject({ type: "resync", reason: "gap", from: 101 });
      const { watermark } = stand.registry.freshness();
      stand.clock.advance(301);
      await stand.bookmark(103, 0);
      expect(stand.registry.freshness().watermark).toBe(watermark);
      expect(await stand.publish("meter-001")).toBe("ok_stale_facts");
      expect(await stand.publish("meter-001", "hv")).toBe("facts_stale");
      // The source cannot go on from there.
      await stand.begin(110);
      await stand.put("meter-001", { state: { lifecycle: "quarantined" } });
      await stand.end(1);
      expect(await stand.connect("meter-001")).toBe("ok_quarantine_channel");
      expect(ageS(stand)).toBe(0);
    },
  },
  "SYN-08": {
    says: "watermark = last bookmark time; zero-trust device stays ok (no facts_stale on a quiet fleet)",
    async now(stand) {
      const { watermark } = stand.registry.freshness();
      expect(watermark).toBe(stand.clock.now());
      expect(stand.clock.now()).toBe(stand.source.now + 3600);
      // Its evidence has grown old in that hour; newer evidence is all that it lacks.
      const attestation = { ...stand.registry.device("cam-3")?.record?.attestation, appraised_at: watermark };
      await stand.put("cam-3", { attestation }, { revision: 101 });
      await stand.bookmark(101, 0);
      expect(await stand.publish("cam-3")).toBe("ok");
      expect(await stand.publish("cam-3", "hv")).toBe("ok");
    },
  },
  "SYN-09": {
    says: "lag grows; zero_trust facts_stale after 5 min; device_pki low-sensitivity ok_stale_facts; watchdog reconnects",
    async now(stand) {
      expect(ageS(stand)).toBe(600);
      expect(await stand.publish("cam-3")).toBe("facts_stale");
      expect(await stand.publish("meter-001")).toBe("ok_stale_facts");
    },
  },
  "SYN-10": {
    says: "meter-009 device_unknown; tombstone kept at least as long as the resume window",
    async now(stand) {
      expect(await stand.connect("meter-009")).toBe("device_unknown");
      // Whatever can still be resumed cannot bring it back.
      await stand.reconnect();
      expect(stand.session.resume).toBe(101);
      await stand.put("meter-009", {}, { revision: 100 });
      expect(await stand.connect("meter-009")).toBe("device_unknown");
      expect(stand.feed.counters.duplicates_ignored).toBe(1);
    },
  },
  "SYN-11": {
    says: "only that bucket is refetched; alarm facts_divergence; if it persists the tenant is facts_stale for high-sensitivity requests",
    async now(stand) {
      expect(stand.replies.filter(({ type }) => type === "refetch")).toEqual([
        { type: "refetch", tenant: "acme", bucket: 3 },
      ]);
      expect(stand.news).toMatchObject([["divergence", { tenant: "acme", bucket: 3 }]]);
      for (let s = 0; s < 310; s += 10) {
        stand.clock.advance(10);
        await stand.bookmark(100, 0, { bucket: 3, count: 2 });
      }
      expect(await stand.publish("meter-001", "hv")).toBe("facts_stale");
      expect(await stand.publish("meter-001")).toBe("ok_stale_facts");
    },
  },
  "SYN-12": {
    says: "anti-entropy (per-bucket count+checksum) finds meter-002; freshness of the maximum alone must not pass this test",
    async now(stand) {
      const asked = stand.replies.filter((each) => each.type === "refetch");
      expect(asked.map(({ bucket }) => bucket)).toEqual([bucketOf("device:meter-002")]);
      expect(stand.feed.position?.revision).toBe(102);
      stand.clock.advance(10);
      await stand.bookmark(102, 0, "truth");
      expect(ageS(stand)).toBe(10);
    },
  },
  "SYN-13": {
    says: "meter-003 facts_invalid (fail closed for that device only); meter-001 quarantined; feed not blocked; NACK with reason for rev 101",
    async now(stand) {
      expect(await stand.connect("meter-003")).toBe("facts_invalid");
      expect(await stand.connect("meter-001")).toBe("ok_quarantine_channel");
      expect(await stand.connect("meter-002")).toBe("ok");
      const nacks = stand.replies.filter(({ type }) => type === "nack");
      expect(nacks).toEqual([
        { type: "nack", revision: 101, key: "device:meter-003", reason: expect.stringContaining("class") },
      ]);
      expect(stand.feed.position?.revision).toBe(102);
    },
  },
  "SYN-14": {
    says: "accepted; decision unchanged",
    async now(stand) {
      expect(stand.replies).toEqual([{ type: "ack", revision: expect.any(Number) }]);
      expect(await stand.connect("meter-001")).toBe("ok");
    },
  },
  "SYN-16": {
    says: "rejected, alert cross_tenant_access, feed of acme unaffected",
    async now(stand) {
      expect(await stand.connect("leaf-77")).toBe("device_unknown");
      expect(stand.replies).toContainEqual(
        expect.objectContaining({ type: "nack", reason: expect.stringContaining("tenant") }),
      );
      expect(stand.news).toMatchObject([
        ["cross-tenant", { alert: "cross_tenant_access", source: "acme", key: "device:leaf-77" }],
      ]);
      await stand.put("meter-001", { state: { lifecycle: "quarantined" } });
      expect(await stand.connect("meter-001")).toBe("ok_quarantine_channel");
    },
  },
  "SYN-17": {
    says: "both kept with provenance; firmware_mismatch; a device-sourced value never overwrites an operator- or verifier-sourced one",
    async now(stand) {
      expect(stand.registry.report("device", "meter-001")?.record?.firmware?.key).toBe(2_004_001);
      expect(stand.registry.report("verifier", "meter-001")?.record?.attested_key).toBe(2_003_000);
      expect(await stand.publish("meter-001")).toBe("firmware_mismatch");
      // The device says that it was measured otherwise, and that it runs what was measured: neither counts.
      await stand.report("device", { attested_key: 2_004_001 });
      expect(await stand.publish("meter-001")).toBe("facts_invalid");
      await stand.report("device", { firmware: { key: 2_004_001 } });
      await stand.put("meter-001", {}, { revision: 200 });
      await stand.report("device", { firmware: { key: 2_003_000 } });
      // Now the operator says the firmware, and the device cannot say otherwise.
      expect(await stand.publish("meter-001")).toBe("firmware_mismatch");
    },
  },
  "SYN-18": {
    says: "watermark never moves backwards; warning; lag computed from receive time",
    async now(stand) {
      expect(stand.registry.freshness().watermark).toBe(stand.source.now);
      expect(stand.feed.counters.clock_backwards).toBe(1);
      expect(stand.news).toMatchObject([["clock-back", { source: "site" }]]);
      stand.clock.advance(30);
      expect(ageS(stand)).toBe(30);
    },
  },
};

/** Rows that need more than a registry; SYN-02 and SYN-09 are played both ways. */
const elsewhere = ["SYN-07", "SYN-15"];

const closing: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of closing.splice(0).reverse()) await each[Symbol.asyncDispose]();
});

const group = folder === undefined ? describe.skip : describe;
group(`the scenarios of a registry feed${folder === undefined ? " (NOT RUN: shared tables)" : ""}`, () => {
  it("are all played", () => {
    expect(scenarios.length).toBeGreaterThanOrEqual(18);
    expect(scenarios.map(({ id }) => id)).toEqual([...Object.keys(held), ...elsewhere].sort());
  });

  const played = scenarios.filter(({ id }) => !elsewhere.includes(id));
  describe.each([
    ["memory", false],
    ["lmdb", true],
  ])("into %s", (_name, durable) => {
    it.each(played.map((row) => [row.id, row.title, row] as const))("%s: %s", async (id, _title, row) => {
      const stand = await Stand.open(durable);
      closing.push(stand);
      expect(held[id]?.says).toBe(row.expect);
      await prepare(row, stand);
      if (id !== "SYN-18") stand.replies.length = 0;
      for (const step of row.steps) await play(row, step, stand);
      await held[id]?.now(stand);
    });
  });

  it("SYN-07: a resume token is too old, over HTTP", { timeout: 60_000 }, async () => {
    const row = rowOf("SYN-07");
    expect(row.expect).toBe(
      "full snapshot into a shadow store, atomic swap, no facts_not_ready window; metric resync_total{reason=expired} = 1",
    );
    const { gaps, resyncs, states, tokens } = await playExpiry(row);
    expect(tokens[0]).toBe("100");
    expect(gaps).toBe(0);
    expect(states).toEqual(["active", "quarantined"]);
    expect(resyncs).toEqual([{ labels: { source: "http", reason: "expired" }, value: 1 }]);
  });

  it("SYN-02: half a snapshot, at a whole service", { timeout: 60_000 }, async () => {
    const row = rowOf("SYN-02");
    const stand = await ServiceStand.start();
    closing.push(stand);
    for (const step of row.steps) await play(row, step, stand);
    expect(await stand.ready()).toBe(false);
    expect(await stand.connect("meter-001")).toMatchObject({ allow: false, reason: "facts_not_ready" });
    // The feed comes again: the same service becomes ready.
    await play(row, "snapshot_begin rev=100", stand);
    await stand.put("meter-001", {});
    await stand.end(1);
    await until(() => stand.app.missing().length === 0);
    expect(await stand.ready()).toBe(true);
    expect((await stand.connect("meter-001")).reason).toBe("ok");
  });

  it("SYN-09: a stream that says nothing is ended, so that its source comes again", {
    timeout: 60_000,
  }, async () => {
    const stand = await ServiceStand.start(1);
    closing.push(stand);
    await stand.begin(100);
    await stand.put("meter-001", {});
    await stand.end(1);
    expect(stand.feeding).toBe(true);
    await until(() => !stand.feeding);
    await stand.begin(101);
    await stand.put("meter-001", { state: { lifecycle: "quarantined" } });
    await stand.end(1);
    expect((await stand.connect("meter-001")).reason).toBe("ok_quarantine_channel");
  });

  it("SYN-15: a revocation reaches live sessions, at a whole service", { timeout: 60_000 }, async () => {
    const row = rowOf("SYN-15");
    expect(row.expect).toBe(
      "within the propagation budget (report p99; target <= 1 s) the enforcement point receives re-evaluate(meter-001) and the next check is credential_revoked with disconnect",
    );
    const stand = await ServiceStand.start();
    closing.push(stand);
    await prepare(row, stand);
    expect((await stand.publish("meter-001")).reason).toBe("ok");
    for (const step of row.steps) await play(row, step, stand);
    await until(() => stand.ended.length > 0);
    expect(stand.ended).toEqual(["credential_revoked"]);
    const next = await stand.publish("meter-001");
    expect(next).toMatchObject({ allow: false, reason: "credential_revoked" });
    expect((await stand.connect("meter-001")).obligations.disconnect).toBe(true);
  });
});
