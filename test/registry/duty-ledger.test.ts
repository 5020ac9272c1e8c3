import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { Change } from "../../src/decision/change.ts";
import { DutyLedger } from "../../src/registry/duty-ledger.ts";
import { withDuties } from "../../src/registry/with-duties.ts";
import { FactsTable } from "../facts-table.ts";
import { deviceRecord } from "../records.ts";

const now = 1_800_000_000;
const folder = (): string => mkdtempSync(path.join(tmpdir(), "sallyport-duties-"));

describe("duty ledger", () => {
  it("lets a claim be spent once, however many ask at once, and remembers it across a restart", async () => {
    const dir = folder();
    const ledger = await DutyLedger.open(dir);
    const outcomes = await Promise.all([1, 2, 3, 4].map((n) => ledger.spendClaim("claim-1", `meter-${n}`)));
    expect(outcomes.filter(Boolean)).toHaveLength(1);
    await ledger[Symbol.asyncDispose]();
    const again = await DutyLedger.open(dir);
    expect(again.isSpent("claim-1")).toBe(true);
    expect(await again.spendClaim("claim-1", "meter-1")).toBe(false);
    await again[Symbol.asyncDispose]();
  });

  it("never lowers a loss of trust, announces it, and remembers it across a restart", async () => {
    const dir = folder();
    const ledger = await DutyLedger.open(dir);
    const seen: Change[] = [];
    ledger.onChange((change) => seen.push(change));
    await ledger.markReentry("meter-001", now);
    await ledger.markReentry("meter-001", now - 100);
    expect(ledger.reentrySince("meter-001")).toBe(now);
    expect(seen[0]).toMatchObject({ scope: "records", keys: ["device:meter-001"] });
    await ledger[Symbol.asyncDispose]();
    const again = await DutyLedger.open(dir);
    expect(again.reentrySince("meter-001")).toBe(now);
    expect(again.reentrySince("meter-002")).toBe(0);
    await again[Symbol.asyncDispose]();
  });

  it("joins what it remembers with the records, the more restrictive winning", async () => {
    const ledger = await DutyLedger.open(folder());
    const facts = new FactsTable();
    const claim = { single_use: true, used: false, device_ids: ["meter-001"] };
    const credentials = {
      c: { status: "active", bound_at: 0, last_used_at: 0, devices: 1, type: "claim", claim },
    };
    facts.put("device:meter-001", deviceRecord("meter-001", now, { credentials }));
    facts.put(
      "device:meter-002",
      deviceRecord("meter-002", now, { state: { reentry_required_since: now + 5 } }),
    );
    const records = withDuties(readerOf(facts), ledger);
    await ledger.spendClaim("c", "meter-001");
    await ledger.markReentry("meter-001", now);
    await ledger.markReentry("meter-002", now);
    const first = records.device("meter-001")?.record;
    expect(first?.credentials["c"]?.claim?.used).toBe(true);
    expect(first?.credentials["constructor"]).toBeUndefined();
    expect(first?.state.reentry_required_since).toBe(now);
    expect(records.device("meter-002")?.record?.state.reentry_required_since).toBe(now + 5);
    await ledger[Symbol.asyncDispose]();
  });
});

function readerOf(facts: FactsTable): Parameters<typeof withDuties>[0] {
  return {
    device: (id) => facts.device(id),
    tenant: (id) => facts.tenant(id),
    firmwarePolicy: (tenant, deviceClass) => facts.firmwarePolicy(tenant, deviceClass),
    release: (id) => facts.release(id),
    rollout: (id) => facts.rollout(id),
    service: (id) => facts.service(id),
    sourceAgeS: () => undefined,
    mayOwn: () => [],
    revision: facts.revision,
    freshness: () => ({ ...facts.freshness(), ageS: 0 }),
  };
}
