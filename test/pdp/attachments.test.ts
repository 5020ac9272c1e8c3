import { describe, expect, it } from "vitest";
import { Promises } from "../../src/coherence/promises.ts";
import type { RecordKey } from "../../src/decision/facts.ts";
import { Attachments } from "../../src/pdp/attachments.ts";
import { promisedUntil, staticMs } from "../../src/pdp/reuse.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { FactsTable } from "../facts-table.ts";
import { brokerPeer } from "../records.ts";

const start = 1_800_000_000;
const key: RecordKey = "device:meter-1";

function open() {
  const clock = new ManualClock(start);
  const attachments = new Attachments({
    clock,
    facts: new FactsTable(),
    terms: { durationMs: 5000, marginMs: 100 },
    promises: new Promises(100),
    succeeds: false,
  });
  const told: number[] = [];
  const link = attachments.attach(
    brokerPeer,
    "c",
    ({ position }) => told.push(position),
    new Set(["publish"]),
  );
  const change = (): number => attachments.apply({ scope: "records", revision: 0, keys: [key] });
  const remember = (staticUntil = 0): void => {
    const now = { monotonicMs: clock.monotonicMs(), unixS: clock.now() };
    link.remembers([key], now.monotonicMs + 60_000, now, staticUntil);
  };
  return { attachments, change, clock, link, remember, told };
}

describe("a client that has not acknowledged a change", () => {
  it("is waited for at the next change of the same record, too: it may still hold what is older than both", () => {
    const { attachments, change, link, remember } = open();
    attachments.renewed(link);
    remember();
    const first = change();
    change();
    expect(attachments.receiptNow(first)).toMatchObject({ complete: false, pending: [{ client: "c" }] });
    attachments.acknowledged(link, first + 1);
    expect(attachments.receiptNow(first)).toMatchObject({ complete: true, evicted: [{ client: "c" }] });
  });

  it("is not told again of what it has forgotten", () => {
    const { attachments, change, link, remember, told } = open();
    remember();
    attachments.acknowledged(link, change());
    change();
    expect(told).toHaveLength(1);
    remember();
    change();
    expect(told).toHaveLength(2);
  });

  it("is told of a change after an answer that left between a change and its acknowledgement", () => {
    const { attachments, change, link, remember, told } = open();
    remember();
    const first = change();
    remember();
    attachments.acknowledged(link, first);
    change();
    expect(told).toHaveLength(2);
  });
});

describe("what a client was granted for a time without any node", () => {
  it("is uncovered until its end, unless the client acknowledges", () => {
    const { attachments, change, clock, link, remember } = open();
    attachments.renewed(link);
    const until = promisedUntil(start, 60_000);
    remember(until);
    const before = attachments.mark();
    const position = change();
    const uncovered = [{ device: "meter-1", may_allow_until: until }];
    expect(attachments.receiptNow(before)).toMatchObject({ complete: false, uncovered });
    clock.advance(6);
    expect(attachments.receiptNow(before)).toMatchObject({
      complete: true,
      fenced: [{ client: "c" }],
      uncovered,
    });
    attachments.acknowledged(link, position);
    expect(attachments.receiptNow(before)).toMatchObject({ uncovered: [] });
  });

  it("is still known after its stream has ended, and over at its end", () => {
    const { attachments, change, clock, link, remember } = open();
    const until = promisedUntil(start, 60_000);
    attachments.renewed(link);
    remember(until);
    attachments.detach(link);
    clock.advance(30);
    const before = attachments.mark();
    change();
    expect(attachments.receiptNow(before).uncovered).toEqual([{ device: "meter-1", may_allow_until: until }]);
    clock.advance(until - start - 30);
    expect(attachments.receiptNow(before).uncovered).toEqual([]);
  });

  it("is forgotten after its end, so that what is known of a stream stays bounded", () => {
    const { clock, link } = open();
    const remember = (from: number, count: number): void => {
      const now = { monotonicMs: clock.monotonicMs(), unixS: clock.now() };
      for (let i = from; i < from + count; i++)
        link.remembers([`device:m-${i}`], now.monotonicMs + 1000, now, now.unixS + 30);
    };
    remember(0, 4000);
    clock.advance(10);
    remember(4000, 4000);
    expect(link.remembered).toBe(8000);
    clock.advance(60);
    remember(8000, 4000);
    expect(link.remembered).toBeLessThan(8000);
  });

  it("is bounded by the answer's own end, and nothing where the answer may not be used again", () => {
    const answer = {
      allow: true,
      reason: "ok",
      findings: [],
      obligations: { fail_static_s: 60 },
      bundle_revision: "",
      registry_revision: 0,
      registry_age_s: 0,
      decision_id: "",
      cached: false,
      rests_on: [key],
    } as const;
    expect(staticMs(answer, 1000, start * 1000)).toBe(60_000);
    expect(staticMs({ ...answer, valid_until: start + 10 }, 1000, start * 1000)).toBe(10_000);
    expect(staticMs(answer, 0, start * 1000)).toBe(0);
    expect(staticMs({ ...answer, allow: false, reason: "device_unknown" }, 1000, start * 1000)).toBe(0);
    expect(staticMs({ ...answer, obligations: {} }, 1000, start * 1000)).toBe(0);
  });
});
