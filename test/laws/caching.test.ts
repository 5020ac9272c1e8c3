import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Decision } from "../../src/decision/decision.ts";
import type { RecordKey } from "../../src/decision/facts.ts";
import type { Identity, Peer } from "../../src/decision/identity.ts";
import type { Query } from "../../src/decision/query.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import type { Json } from "../cases/table.ts";
import { FactsTable } from "../facts-table.ts";
import { corePdp } from "../pdp.ts";
import { brokerPeer, certificateFacts, deviceRecord, floorRecord, tenantRecord } from "../records.ts";
import { patchedSnapshot, shippedSnapshot } from "../shipped.ts";

const start = 1_800_000_000;

const shipped = shippedSnapshot();
// Another revision: shorter grace, other limits, so that its answers differ.
const stricter = patchedSnapshot("stricter", {
  profiles: {
    device_pki: { max_qos: 0, facts_soft_s: 60 },
    zero_trust: { attestation_max_age_s: 600, session_ttl_s: 60 },
  },
});
const ids = ["meter-001", "cam-3", "meter-002"] as const;
type Id = (typeof ids)[number];

// Small domains, so that the same question comes back after something happened.
const topics = ["ops/temp", "hv/load", "sec/log", "mgmt/x", "cmd/x"];
const ages = [undefined, 0, 299, 301, -299, -301, 899, 901, 86_401, 604_801];
const clockSteps = [
  1, 5, 29, 59, 60, 61, 241, 299, 300, 301, 899, 3599, 3600, 3601, 86_400, -1, -60, -300, -3600,
];

const devicePatches: readonly Json[] = [
  {},
  { state: { lifecycle: "quarantined", quarantine: { active: true } } },
  { state: { quarantine: { active: true, mode: "block" } } },
  { state: { reentry_required_since: start - 100 } },
  { state: { last_seen_at: start - 200 * 86_400 } },
  { state: { signals: [{ type: "impossible_travel", expires_at: start + 301 }] } },
  { firmware: { key: 1009000 } },
  { firmware: { key: 2003000 } },
  { support: { support_ends_at: start + 60, eol_at: start + 3600 } },
  { compliance: { status: "non_compliant", exception: { id: "w", expires_at: start + 300 } } },
];
const attestations: readonly Json[] = [
  {},
  { attestation: { status: "affirming", age: 600, life: 3600 } },
  { attestation: { status: "affirming", age: 3300, life: 3600 } },
  { attestation: { status: "warning", age: 10, life: 300 } },
  { attestation: { status: "contraindicated", age: 10, life: 300 } },
];

function attested(id: Id, given: Json): Json {
  const result = given["attestation"] as { status: string; age: number; life: number } | undefined;
  if (result === undefined) return {};
  return {
    attestation: {
      status: result.status,
      vector: { instance_identity: 2, executables: result.status === "contraindicated" ? 96 : 2 },
      verifier: "veraison-prod",
      key_fingerprint: `fp-${id}`,
      appraised_at: start - result.age,
      expires_at: start - result.age + result.life,
    },
  };
}

type Step =
  | {
      do: "ask";
      id: Id;
      kind: "connect" | "publish" | "subscribe";
      topic: number;
      qos: 0 | 1 | 2;
      retain: boolean;
      age: number;
      credential: number;
      peer: number;
    }
  | { do: "again"; back: number; age: number | undefined; turned: boolean }
  | { do: "edge"; by: number }
  | { do: "tick"; by: number }
  | { do: "set"; by: number }
  | { do: "bookmark"; lag: number }
  | { do: "device"; id: Id; patch: number; attestation: number }
  | { do: "remove"; key: number }
  | { do: "tenant"; model: number; status: number }
  | { do: "floor"; min: number }
  | { do: "swap" }
  | { do: "unsync"; synced: boolean };

const index = (list: readonly unknown[]): fc.Arbitrary<number> => fc.nat(list.length - 1);
const id = fc.constantFrom(...ids);
const removable: readonly RecordKey[] = [
  "device:meter-001",
  "device:cam-3",
  "tenant:acme",
  "firmware_policy:acme/meter",
];

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 14,
    // The same question once more, at times with another message time or device clock: those are guards, not keys.
    arbitrary: fc.record({
      do: fc.constant("again" as const),
      back: fc.nat(4),
      age: fc.option(index(ages), { nil: undefined, freq: 2 }),
      // With the other retain flag: another question.
      turned: fc.constantFrom(false, false, false, true),
    }),
  },
  // To the very second at which the last answer ends, and to both sides of it.
  { weight: 3, arbitrary: fc.record({ do: fc.constant("edge" as const), by: fc.constantFrom(-1, 0, 1) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("ask" as const),
      id,
      kind: fc.constantFrom("connect" as const, "publish" as const, "publish" as const, "subscribe" as const),
      topic: index(topics),
      qos: fc.constantFrom(0 as const, 1 as const, 2 as const),
      retain: fc.boolean(),
      age: index(ages),
      credential: fc.constantFrom(0, 0, 0, 0, 1, 2),
      peer: fc.constantFrom(0, 0, 0, 1),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("tick" as const), by: fc.constantFrom(...clockSteps) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("set" as const), by: fc.constantFrom(...clockSteps) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("bookmark" as const),
      lag: fc.constantFrom(0, 2, 60, 61, 300, 301, 86_401),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("device" as const),
      id,
      patch: index(devicePatches),
      attestation: index(attestations),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("remove" as const), key: index(removable) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("tenant" as const), model: fc.nat(1), status: fc.nat(3) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("floor" as const), min: fc.constantFrom(2000000, 2005000) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("swap" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("unsync" as const),
      synced: fc.constantFrom(true, true, true, true, false),
    }),
  },
);

const credentialPatches: readonly Json[] = [{}, { not_after: start + 300 }, { fingerprint: "fp-other" }];
const peers: readonly Peer[] = [
  brokerPeer,
  { ...brokerPeer, name: "lab", env: "lab", endpoint: "ep-control" },
];

function identityOf(device: Id, credential: number): Identity {
  const patch = credentialPatches[credential] as Json;
  return { key: `${device}/${credential}`, credential: certificateFacts(device, start, patch) };
}

function queryOf(asked: Extract<Step, { do: "ask" }>, now: number): Query {
  const subject = { client_id: asked.id, proof: identityOf(asked.id, asked.credential) };
  const topic = `t/acme/d/${asked.id}/${topics[asked.topic]}`;
  const age = ages[asked.age];
  switch (asked.kind) {
    case "connect":
      return {
        kind: "connect",
        subject,
        ...(age === undefined ? {} : { device_time: now - age }),
        ...(asked.retain ? { will: { topic, qos: asked.qos, retain: false } } : {}),
      };
    case "publish":
      return {
        kind: "publish",
        subject,
        topic,
        qos: asked.qos,
        retain: asked.retain,
        ...(age === undefined ? {} : { occurred_at: now - age }),
      };
    case "subscribe":
      return { kind: "subscribe", subject, filter: topic, qos: asked.qos };
  }
}

function comparable(decision: Decision): unknown {
  const { decision_id: _id, cached: _cached, ...rest } = decision;
  return rest;
}

function repeated(
  asked: Extract<Step, { do: "ask" }> | undefined,
  again: Extract<Step, { do: "again" }>,
): Step {
  if (asked === undefined) return again;
  const turned = again.turned && asked.do === "ask" ? { ...asked, retain: !asked.retain } : asked;
  return again.age === undefined ? turned : { ...turned, age: again.age };
}

/** Runs the steps against a PDP with a cache and against its twin that forgets everything before each question. */
async function run(steps: readonly Step[], maxSubjects: number): Promise<{ asked: number; cached: number }> {
  const clock = new ManualClock(start);
  const facts = new FactsTable();
  facts.watermark = start - 2;
  const limits = { max_subjects: maxSubjects, max_denied_subjects: maxSubjects, max_answers_per_subject: 4 };
  const caching = corePdp(facts, clock, limits);
  const plain = corePdp(facts, clock, limits);
  const snapshots = [shipped, stricter] as const;
  let active: 0 | 1 = 0;
  for (const pdp of [caching, plain]) pdp.activate(snapshots[0]);
  facts.put("tenant:acme", tenantRecord("acme"));
  facts.put("firmware_policy:acme/meter", floorRecord("acme", "meter", start));
  for (const each of ids) facts.put(`device:${each}`, deviceRecord(each, start));
  let asked = 0;
  let cached = 0;
  let ends: number | undefined;
  const questions: Extract<Step, { do: "ask" }>[] = [];
  for (const step of steps) {
    const each = step.do === "again" ? repeated(questions.at(-1 - step.back), step) : step;
    switch (each.do) {
      case "again":
        break;
      case "edge":
        if (ends !== undefined) clock.setWall(ends + each.by);
        break;
      case "tick":
        clock.advance(each.by);
        break;
      case "set":
        clock.setWall(clock.now() + each.by);
        break;
      case "bookmark":
        facts.watermark = clock.now() - each.lag;
        break;
      case "device": {
        const patch = {
          ...devicePatches[each.patch],
          ...attested(each.id, attestations[each.attestation] as Json),
        };
        facts.put(`device:${each.id}`, deviceRecord(each.id, start, patch));
        break;
      }
      case "remove":
        facts.remove(removable[each.key] as RecordKey);
        break;
      case "tenant":
        facts.put(
          "tenant:acme",
          tenantRecord("acme", {
            model: ["device_pki", "zero_trust"][each.model],
            status: each.status === 0 ? "suspended" : "active",
            attestation_for_hv: each.status === 1,
          }),
        );
        break;
      case "floor":
        facts.put("firmware_policy:acme/meter", floorRecord("acme", "meter", start, { min_key: each.min }));
        break;
      case "swap":
        active = active === 0 ? 1 : 0;
        for (const pdp of [caching, plain]) pdp.activate(snapshots[active]);
        break;
      case "unsync":
        facts.synced = each.synced;
        break;
      case "ask": {
        questions.push(each);
        const query = queryOf(each, clock.now());
        const peer = peers[each.peer] as Peer;
        plain.cache.clear();
        const expected = await plain.decider(peer).decide(query);
        const actual = await caching.decider(peer).decide(query);
        expect(comparable(actual)).toEqual(comparable(expected));
        ends = actual.valid_until;
        asked += 1;
        if (actual.cached) cached += 1;
        break;
      }
    }
  }
  return { asked, cached };
}

describe("law", () => {
  it("a caching PDP answers exactly as one without a cache, whatever happens between two questions", async () => {
    let asked = 0;
    let cached = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 60, maxLength: 120, size: "max" }),
        fc.constantFrom(1, 2, 100),
        async (steps, size) => {
          const seen = await run(steps, size);
          asked += seen.asked;
          cached += seen.cached;
        },
      ),
      { numRuns: Number(process.env["LAW_RUNS"] ?? 150) },
    );
    // A law that never met the cache would prove nothing.
    expect(cached).toBeGreaterThan(asked / 10);
  });
});
