import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Client, connect } from "../../src/client/client.ts";
import type { Decision } from "../../src/decision/decision.ts";
import type { Query } from "../../src/decision/query.ts";
import { type QuickApp, startQuickApp } from "../quick-app.ts";
import { certificateFacts, deviceRecord, floorRecord, tenantRecord } from "../records.ts";

const now = 1_800_000_000;
const ids = ["meter-001", "meter-002", "meter-003", "nobody"];

const records = [
  { kind: "tenant", record: tenantRecord("acme") },
  { kind: "firmware_policy", record: floorRecord("acme", "meter", now) },
  { kind: "device", record: deviceRecord("meter-001", now) },
  {
    kind: "device",
    record: deviceRecord("meter-002", now, { state: { quarantine: { active: true, mode: "constrain" } } }),
  },
  { kind: "device", record: deviceRecord("meter-003", now, { firmware: { key: 2_001_000 } }) },
];

const query: fc.Arbitrary<Query> = fc
  .record({
    kind: fc.constantFrom("connect" as const, "publish" as const, "subscribe" as const, "command" as const),
    id: fc.constantFrom(...ids),
    presented: fc.constantFrom(...ids),
    topic: fc.constantFrom("ops/temp", "hv/load", "sec/log", "cmd/#", "../x", "#", "ops/+", ""),
    qos: fc.constantFrom(0 as const, 1 as const, 2 as const),
    retain: fc.boolean(),
    age: fc.constantFrom(undefined, 0, 1000, 700_000),
    seq: fc.constantFrom(undefined, 0),
    command: fc.constantFrom("reboot", "attest.request", "no.such"),
    mfa: fc.boolean(),
  })
  .map(({ kind, id, presented, topic, qos, retain, age, seq, command, mfa }): Query => {
    const credential = certificateFacts(presented, now);
    const subject = { client_id: id, proof: { type: "asserted" as const, credential } };
    const under = `t/acme/d/${id}/${topic}`;
    const time = age === undefined ? {} : { occurred_at: now - age };
    switch (kind) {
      case "connect":
        return {
          kind,
          subject,
          ...(age === undefined ? {} : { device_time: now - age }),
          ...(retain ? { will: { topic: under, qos, retain } } : {}),
        };
      case "publish":
        return { kind, subject, topic: under, qos, retain, ...time, ...(seq === undefined ? {} : { seq }) };
      case "subscribe":
        return { kind, subject, filter: under, qos };
      case "command":
        return {
          kind,
          device_id: id,
          command,
          actor: { id: "op", type: "human", tenant: "acme", roles: ["operator"], mfa },
          approvals: [],
          break_glass: null,
        };
      default:
        return kind satisfies never;
    }
  });

const said = ({ decision_id: _id, cached: _cached, rests_on: _rests, ...rest }: Decision): unknown =>
  JSON.parse(JSON.stringify(rest));

describe("law", () => {
  let running: QuickApp;
  let client: Client;
  beforeAll(async () => {
    running = await startQuickApp(now, records, { tenants: ["acme"], may_assert: ["credential", "actor"] });
    client = connect({ address: running.app.grpcAddress });
  });
  afterAll(async () => {
    await client[Symbol.asyncDispose]();
    await running[Symbol.asyncDispose]();
  });

  it("a batch answers as its questions one by one, and as in process", async () => {
    const decider = running.app.decider("broker");
    let allowed = 0;
    let asked = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(query, { minLength: 1, maxLength: 40, size: "max" }), async (queries) => {
        const inProcess: unknown[] = [];
        const oneByOne: unknown[] = [];
        for (const each of queries) {
          const decision = await decider.decide(each);
          inProcess.push(said(decision));
          oneByOne.push(said(await client.decide(each)));
          asked += 1;
          if (decision.allow) allowed += 1;
        }
        expect(oneByOne).toEqual(inProcess);
        expect((await client.batch(queries)).map(said)).toEqual(inProcess);
      }),
      { numRuns: 40 },
    );
    expect(allowed).toBeGreaterThan(asked / 50);
    expect(allowed).toBeLessThan(asked);
  });
});
