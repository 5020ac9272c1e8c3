import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { App } from "../../src/app.ts";
import { type Attached, attach, connect } from "../../src/client/client.ts";
import type { Decision } from "../../src/decision/decision.ts";
import { type Fleet, makeFleet, publishOf, serveFleet, subjectOf, until } from "./attached.ts";

let fleet: Fleet;
let app: App;
let client: Attached;

beforeAll(async () => {
  fleet = makeFleet(20);
  app = await serveFleet(fleet);
  client = attach({ addresses: [app.grpcAddress], name: "test", deadlineMs: 20_000 });
  await client.ready(3000);
});

afterAll(async () => {
  await client?.[Symbol.asyncDispose]();
  await app?.close();
  fleet?.[Symbol.dispose]();
});

/** Quarantines by the record file and returns the receipt. */
async function withdraw(patches: Record<string, object>) {
  const before = app.attachments.position;
  fleet.write(patches);
  await app.reload();
  return app.attachments.receipt(before);
}

describe("an attached client", () => {
  it("answers from memory what it asked before, at once", async () => {
    const query = publishOf(subjectOf(0));
    const first = await client.decide(query);
    expect(first).toMatchObject({ allow: true, reason: "ok", cached: false });
    const second = client.decide(query) as Decision;
    expect(second).toEqual({ ...first, cached: true });
    // A subject that says the same is the same.
    expect(client.decide(publishOf(subjectOf(0)))).toMatchObject({ decision_id: first.decision_id });
    expect(client.decide({ ...query, qos: 1 })).toBeInstanceOf(Promise);
    expect(client.decide({ ...query, occurred_at: 1 })).toBeInstanceOf(Promise);
    expect(client.decide({ kind: "connect", subject: query.subject })).toBeInstanceOf(Promise);
  });

  it("forgets a device when its record changes, and no other", async () => {
    const changed = publishOf(subjectOf(1));
    const other = publishOf(subjectOf(2));
    await Promise.all([changed, other].map(async (query) => client.decide(query)));
    const receipt = await withdraw({ "meter-1": { state: { quarantine: { active: true } } } });
    expect(receipt).toMatchObject({ complete: true, fenced: [], pending: [], uncovered: [] });
    expect(receipt.evicted).toEqual([{ peer: "broker", client: "test/0" }]);
    const now = client.decide(changed);
    expect(now).toBeInstanceOf(Promise);
    expect(await now).toMatchObject({ allow: false, reason: "device_quarantined" });
    expect(client.decide(other)).toMatchObject({ allow: true });
    await withdraw({});
  });

  it("is not told of devices that it never asked about", async () => {
    const before = client.metrics().changes;
    const receipt = await withdraw({ "meter-19": { state: { quarantine: { active: true } } } });
    expect(receipt).toMatchObject({ complete: true, evicted: [] });
    expect(client.metrics().changes).toBe(before);
    await withdraw({});
  });

  it("asks again about sessions, ends those that are denied, and takes away single subscriptions", async () => {
    const subject = subjectOf(3);
    const decision = await client.decide({ kind: "connect", subject });
    const ended: string[] = [];
    const revoked: string[] = [];
    const session = client.session({
      subject,
      connect: decision,
      onEnd: (reason) => ended.push(reason),
      onRevoked: (filter) => revoked.push(filter),
    });
    session.subscribed("t/acme/d/meter-3/cmd/#", 0);
    session.subscribed("t/acme/d/meter-3/mgmt/#", 0);
    await until(() => app.attachments.sessions === 1);
    const constrained = await withdraw({ "meter-3": { state: { quarantine: { active: true } } } });
    expect(constrained).toMatchObject({ complete: true, sessions: { closed: 0, kept: 1 } });
    expect(revoked).toEqual(["t/acme/d/meter-3/cmd/#"]);
    expect(ended).toEqual([]);
    const block = { "meter-3": { state: { quarantine: { active: true, mode: "block" } } } };
    const blocked = await withdraw(block);
    expect(blocked).toMatchObject({ complete: true, sessions: { closed: 1, kept: 0 } });
    expect(ended).toEqual(["disconnect"]);
    await until(() => app.attachments.sessions === 0);
    await withdraw({});
  });

  it("hears of a change between the connect and the announcement of the session", async () => {
    const subject = subjectOf(4);
    const decision = await client.decide({ kind: "connect", subject });
    expect(decision.allow).toBe(true);
    await withdraw({ "meter-4": { state: { quarantine: { active: true, mode: "block" } } } });
    const ended: string[] = [];
    client.session({ subject, connect: decision, onEnd: (why) => ended.push(why), onRevoked: () => {} });
    await until(() => ended.length === 1);
    await withdraw({});
  });

  it("answers many questions of one turn in batches, in order", async () => {
    const queries = Array.from({ length: 300 }, (_, i) =>
      publishOf(subjectOf(i % 20), i % 3 === 0 ? "cmd/x" : `ops/${i}`),
    );
    const decisions = await Promise.all(queries.map(async (query) => client.decide(query)));
    expect(decisions.map(({ allow }) => allow)).toEqual(queries.map((_query, i) => i % 3 !== 0));
  });
});

describe("receipts", () => {
  it("name what was promised to callers who cannot be told, until it ends", async () => {
    await using unary = connect({ address: app.grpcAddress });
    const promised = await unary.decide(publishOf(subjectOf(5)));
    const receipt = await withdraw({ "meter-5": { state: { quarantine: { active: true } } } });
    expect(receipt.complete).toBe(true);
    expect(receipt.uncovered).toEqual([{ device: "meter-5", may_allow_until: promised.valid_until }]);
    await withdraw({});
  });
});

describe("an attached client without a service", () => {
  it("denies within its deadline, then at once, and never allows", async () => {
    await using lost = attach({ addresses: ["127.0.0.1:1"], deadlineMs: 100 });
    const query = publishOf(subjectOf(0));
    expect(await lost.decide(query)).toMatchObject({ allow: false, reason: "internal_error" });
    const started = performance.now();
    expect(await lost.decide(query)).toMatchObject({ allow: false, reason: "internal_error" });
    expect(performance.now() - started).toBeLessThan(50);
  });

  it("denies more questions than may wait", async () => {
    await using lost = attach({ addresses: ["127.0.0.1:1"], deadlineMs: 200, maxWaiting: 2 });
    const answers = await Promise.all(
      Array.from({ length: 4 }, async () => lost.decide(publishOf(subjectOf(0)))),
    );
    expect(answers.map(({ reason }) => reason).sort()).toEqual([
      "internal_error",
      "internal_error",
      "rate_limited",
      "rate_limited",
    ]);
  });
});
