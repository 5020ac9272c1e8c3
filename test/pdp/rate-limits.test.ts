import { describe, expect, it } from "vitest";
import type { Decision } from "../../src/decision/decision.ts";
import { type RateLimitOptions, RateLimits } from "../../src/pdp/rate-limits.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { FactsTable } from "../facts-table.ts";
import { corePdp, roomyCache } from "../pdp.ts";
import { brokerPeer, certificateFacts, deviceRecord, floorRecord, tenantRecord } from "../records.ts";
import { shippedSnapshot } from "../shipped.ts";

const now = 1_800_000_000;
const snapshot = shippedSnapshot();

function world(options: Partial<RateLimitOptions>) {
  const clock = new ManualClock(now);
  const facts = new FactsTable();
  facts.watermark = now;
  const limits = new RateLimits({
    perCredential: { perSecond: 1, burst: 4 },
    perPeer: { perSecond: 1, burst: 2 },
    maxBuckets: 10,
    reservedShare: 0.5,
    reservedTopics: ["+/+/+/+/sec/#"],
    monotonicMs: clock.monotonicMs,
    ...options,
  });
  const pdp = corePdp(facts, clock, roomyCache, () => {}, limits);
  pdp.activate(snapshot);
  facts.put("tenant:acme", tenantRecord("acme"));
  facts.put("firmware_policy:acme/meter", floorRecord("acme", "meter", now));
  for (const id of ["meter-001", "meter-002"]) facts.put(`device:${id}`, deviceRecord(id, now));
  const decider = pdp.decider(brokerPeer);
  const ask = async (id: string, stream: string, proven = true): Promise<Decision> =>
    decider.decide({
      kind: "publish",
      subject: { client_id: id, proof: proven ? { key: id, credential: certificateFacts(id, now) } : null },
      topic: `t/acme/d/${id}/${stream}/x`,
      qos: 0,
      retain: false,
    });
  const reasons = async (times: number, id: string, stream: string, proven = true): Promise<string[]> => {
    const said: string[] = [];
    for (let i = 0; i < times; i++) said.push((await ask(id, stream, proven)).reason);
    return said;
  };
  return { clock, ask, reasons };
}

describe("rate limits", () => {
  it("slow a credential down, reserved topics last, and refill with time", async () => {
    const { clock, reasons } = world({});
    expect(await reasons(3, "meter-001", "ops")).toEqual(["ok", "ok", "rate_limited"]);
    expect(await reasons(3, "meter-001", "sec")).toEqual(["ok", "ok", "rate_limited"]);
    clock.advance(1);
    expect(await reasons(1, "meter-001", "ops")).toEqual(["rate_limited"]);
    expect(await reasons(2, "meter-001", "sec")).toEqual(["ok", "rate_limited"]);
    clock.advance(3);
    expect(await reasons(2, "meter-001", "ops")).toEqual(["ok", "rate_limited"]);
  });

  it("leave others alone: neither another credential nor who proves nothing can use up a device's bucket", async () => {
    const { reasons } = world({});
    await reasons(50, "meter-001", "ops");
    expect(await reasons(4, "meter-002", "ops", false)).toEqual([
      "credential_missing",
      "credential_missing",
      "rate_limited",
      "rate_limited",
    ]);
    expect(await reasons(1, "meter-002", "ops")).toEqual(["ok"]);
  });

  it("say when to come back", async () => {
    const { ask, reasons } = world({ perCredential: { perSecond: 1, burst: 1 }, reservedShare: 0 });
    await reasons(1, "meter-001", "ops");
    expect(await ask("meter-001", "ops")).toMatchObject({
      allow: false,
      reason: "rate_limited",
      retry: "backoff",
      obligations: { retry_after_s: 1 },
    });
  });

  it("remember a bounded number of buckets", async () => {
    const { reasons } = world({ maxBuckets: 1, perCredential: { perSecond: 1, burst: 1 }, reservedShare: 0 });
    expect(await reasons(2, "meter-001", "ops")).toEqual(["ok", "rate_limited"]);
    expect(await reasons(1, "meter-002", "ops")).toEqual(["ok"]);
    expect(await reasons(1, "meter-001", "ops")).toEqual(["ok"]);
  });
});
