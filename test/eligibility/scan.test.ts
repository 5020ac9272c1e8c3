import { describe, expect, it } from "vitest";
import type { DeviceRecord } from "../../src/decision/facts.ts";
import { Bulk } from "../../src/eligibility/bulk.ts";
import {
  type FleetFilter,
  judgeOne,
  type ScanParts,
  type ScanRequest,
  scan,
} from "../../src/eligibility/scan.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import type { Json } from "../cases/table.ts";
import { FactsTable } from "../facts-table.ts";
import { corePdp } from "../pdp.ts";
import { brokerPeer, deviceRecord, tenantRecord } from "../records.ts";
import { releaseRecord, rolloutRecord } from "../releases.ts";
import { shippedSnapshot } from "../shipped.ts";

const now = 1_800_000_000;
const snapshot = shippedSnapshot();
const everyone: FleetFilter = {
  tenants: [],
  classes: [],
  regions: [],
  rings: [],
  firmwareFrom: undefined,
  firmwareTo: undefined,
};
const request = (patch: Partial<ScanRequest> = {}): ScanRequest => ({
  release: "rel-1",
  filter: everyone,
  pageSize: 0,
  pageToken: "",
  ...patch,
});

function worldOf(devices: readonly DeviceRecord[], tenants: readonly string[] = ["*"], maxClasses?: number) {
  const facts = new FactsTable();
  const clock = new ManualClock(now);
  const pdp = corePdp(facts, clock);
  pdp.activate(snapshot);
  facts.watermark = now;
  for (const id of ["acme", "globex"]) facts.put(`tenant:${id}`, tenantRecord(id));
  facts.put("release:rel-1", releaseRecord("rel-1", "ro-1", now));
  facts.put("rollout:ro-1", rolloutRecord("ro-1", now));
  for (const device of devices) facts.put(`device:${device.id}`, device);
  const peer = { ...brokerPeer, tenants };
  const bulk = new Bulk({
    facts,
    clock,
    snapshot: () => snapshot,
    decider: pdp.decider(peer),
    ...(maxClasses === undefined ? {} : { maxClasses }),
  });
  const ids = devices.map(({ id }) => id).sort();
  let reads = 0;
  const parts: ScanParts = {
    facts: Object.assign(Object.create(facts) as FactsTable, {
      device: (id: string) => {
        reads += 1;
        return facts.device(id);
      },
      release: (id: string) => facts.release(id),
    }),
    idsAfter: (after, limit) => ids.filter((id) => after === undefined || id > after).slice(0, limit),
    releaseIds: () => ["rel-1", "rel-2", "rel-3"],
    bulk,
    peer,
  };
  return { facts, clock, bulk, parts, reads: () => reads };
}

const many = (count: number, patch: (i: number) => Json = () => ({})): DeviceRecord[] =>
  Array.from({ length: count }, (_, i) => deviceRecord(`meter-${String(i).padStart(5, "0")}`, now, patch(i)));

async function idsOf(parts: ScanParts, asked: ScanRequest): Promise<string[]> {
  const found: string[] = [];
  for await (const { items } of scan(parts, asked)) found.push(...items.map(([{ id }]) => id));
  return found;
}

describe("a walk over the fleet", () => {
  it("takes several filters at once, and shows nobody another tenant's devices", async () => {
    const devices = many(64, (i) => ({
      tenant: i % 2 === 0 ? "acme" : "globex",
      class: i % 4 < 2 ? "meter" : "sensor",
      home_region: i % 8 < 4 ? "eu-west" : "us-east",
      ota: { ring: i % 3 },
      firmware: { key: 2_000_000 + i },
    }));
    const { parts } = worldOf(devices);
    const filter: FleetFilter = {
      tenants: ["acme"],
      classes: ["meter"],
      regions: ["us-east"],
      rings: [0, 1],
      firmwareFrom: 2_000_010,
      firmwareTo: 2_000_050,
    };
    const wanted = devices
      .filter((_, i) => i % 2 === 0 && i % 4 < 2 && i % 8 >= 4 && i % 3 < 2 && i >= 10 && i <= 50)
      .map(({ id }) => id);
    expect(wanted.length).toBeGreaterThan(2);
    expect(await idsOf(parts, request({ filter }))).toEqual(wanted);
    const unknown = many(2, () => ({ firmware: { key: null, svn: null } }));
    const { parts: blank } = worldOf(
      unknown.map((each) => ({ ...each, firmware: { ...each.firmware, key: null } })) as DeviceRecord[],
    );
    expect(await idsOf(blank, request({ filter: { ...everyone, firmwareFrom: 0 } }))).toEqual([]);
    const { parts: foreign } = worldOf(devices, ["globex"]);
    const seen = await idsOf(foreign, request());
    expect(seen).toEqual(devices.filter(({ tenant }) => tenant === "globex").map(({ id }) => id));
    expect(await idsOf(foreign, request({ filter: { ...everyone, tenants: ["acme"] } }))).toEqual([]);
  });

  it("does no more work than is read, and none once it is left", async () => {
    const { bulk, parts, reads } = worldOf(many(5000));
    const walk = scan(parts, request());
    expect((await walk.next()).value?.items).toHaveLength(256);
    const [read, judged] = [reads(), bulk.judged];
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([reads(), bulk.judged]).toEqual([read, judged]);
    await walk.return(undefined);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(bulk.judged).toBe(256);
    expect(reads()).toBeLessThanOrEqual(2 * 256);
  });

  it("goes on from its tokens, any number of times, and from nobody else's", async () => {
    const { parts } = worldOf(many(700));
    const all = await idsOf(parts, request());
    const found: string[] = [];
    for (let pageToken = "", page = 0; page === 0 || pageToken !== ""; page++) {
      for await (const batch of scan(parts, request({ pageSize: 99, pageToken }))) {
        found.push(...batch.items.map(([{ id }]) => id));
        pageToken = batch.pageToken;
      }
    }
    expect(found).toEqual(all);
    const first = scan(parts, request({ pageSize: 10 }));
    const token = (await first.next()).value?.pageToken ?? "";
    const refused = async (patch: Partial<ScanRequest>): Promise<string> =>
      idsOf(parts, request(patch)).then(
        () => "taken",
        (thrown: Error) => thrown.message,
      );
    expect(await refused({ pageToken: token })).toBe("taken");
    expect(await refused({ pageToken: token, release: "rel-2" })).toMatch("another release or filter");
    expect(await refused({ pageToken: token, filter: { ...everyone, rings: [1] } })).toMatch(
      "another release",
    );
    for (const bad of [
      "x",
      "bm8",
      token.slice(2),
      Buffer.from("[1,2]").toString("base64url"),
      Buffer.from('[2,"a","b"]').toString("base64url"),
    ])
      expect(await refused({ pageToken: bad }), bad).toMatch("`page_token`");
  });

  it("forgets what it knows beyond its bound, and is right all the same", () => {
    const devices = many(3000, (i) => ({
      home_region: `r-${i}`,
      state: { lifecycle: i % 2 === 0 ? "active" : "safe_mode" },
    }));
    const { bulk } = worldOf(devices, ["*"], 40);
    const unbounded = worldOf(devices).bulk;
    let most = 0;
    for (const [i, device] of devices.entries()) {
      if (i % 16 === 0) for (const each of [bulk, unbounded]) each.begin();
      expect(bulk.judge(device, "rel-1")).toEqual(unbounded.judge(device, "rel-1"));
      most = Math.max(most, bulk.size);
    }
    // The bound, and what one turn of 16 devices can add to it.
    expect(most).toBeLessThan(40 + 16 * 40);
    expect(bulk.evaluations).toBeGreaterThan(unbounded.evaluations);
  });

  it("answers by the clock as it is, forwards and backwards, and by a changed record at once", () => {
    const { bulk, clock, facts } = worldOf(many(1));
    const device = facts.device("meter-00000")?.record as DeviceRecord;
    const rollout = rolloutRecord("ro-1", now);
    const rings = rollout.rings.map((ring) => ({ ...ring, opened_at: now + 100 }));
    facts.put("rollout:ro-1", { ...rollout, rings: [...rollout.rings.slice(0, 2), ...rings.slice(2)] });
    const at = (moment: number): string => {
      clock.setWall(moment);
      bulk.begin();
      return bulk.judge(device, "rel-1").reason;
    };
    expect([now, now + 99, now + 100, now + 50, now + 150].map(at)).toEqual([
      "ota_ring_not_open",
      "ota_ring_not_open",
      "ota_eligible",
      "ota_ring_not_open",
      "ota_eligible",
    ]);
    // Facts that nobody refreshed are stale after a jump, and fresh again before it.
    expect([now + 100_000, now + 120].map(at)).toEqual(["facts_stale", "ota_eligible"]);
    facts.put("rollout:ro-1", { ...rollout, state: "aborted" });
    expect(at(now + 121)).toBe("ota_rollout_aborted");
    facts.isolate("rollout:ro-1", "`rings.0.percent_bp`: Too big: expected number to be <=10000");
    expect(at(now + 122)).toBe("facts_invalid");
  });

  it("finds the best release: one to install before one to wait for, mending before news, newest last resort", () => {
    const { bulk, facts, parts } = worldOf(many(1));
    const device = facts.device("meter-00000")?.record as DeviceRecord;
    const base = releaseRecord("rel-2", "ro-1", now);
    const best = (...more: Parameters<typeof releaseRecord>[] | object[]): string => {
      for (const [i, patch] of more.entries())
        facts.put(`release:rel-${i + 2}`, { ...base, id: `rel-${i + 2}`, ...(patch as object) });
      bulk.begin();
      const offered = ["rel-1", "rel-2", "rel-3"].flatMap((id) => facts.release(id)?.record ?? []);
      return judgeOne(parts, device, "", offered).release;
    };
    expect(best({ kind: "remediation", key: 2_004_002 }, { kind: "security", key: 2_009_000 })).toBe("rel-2");
    expect(best({ kind: "remediation", superseded: true }, { kind: "security" })).toBe("rel-3");
    expect(
      best({ kind: "feature", svn: 9, key: 2_004_900 }, { kind: "feature", svn: 8, key: 2_006_000 }),
    ).toBe("rel-2");
    expect(best({ kind: "feature", key: 2_006_000 }, { kind: "feature", key: 2_006_001 })).toBe("rel-3");
    expect(best({ kind: "remediation", classes: ["pump"] }, { kind: "security", tenants: ["globex"] })).toBe(
      "rel-1",
    );
    facts.put("rollout:ro-1", { ...rolloutRecord("ro-1", now), state: "paused" });
    // Nothing can be installed: what is waited for stands before what will never come.
    expect(best({ superseded: true }, { key: 2_006_000 })).toBe("rel-3");
  });
});
