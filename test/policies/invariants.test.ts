import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { answerRow, decide, render } from "./harness.ts";
import { allowOrder, gateOrder } from "./site.ts";
import { type Facts, isObject, type Json, merge, ownRows, type Row, sharedRows } from "./tables.ts";
import { models, twisted, twists } from "./twists.ts";

const rows: readonly Row[] = [...ownRows, ...sharedRows];
const ownKinds = ["connect", "publish", "subscribe", "ota"];

interface Case {
  readonly name: string;
  readonly kind: string;
  readonly facts: Facts;
}

const bent = fc
  .record({
    model: fc.constantFrom(...models),
    kind: fc.constantFrom("connect", "publish", "subscribe", "command", "ota"),
    stream: fc.constantFrom("hv", "ops", "sec", "mgmt", "rec", "prov"),
    names: fc.subarray(Object.keys(twists), { maxLength: 4 }),
  })
  .map(
    ({ model, kind, stream, names }): Case => ({
      name: names.join(),
      kind,
      facts: twisted(model, kind, stream, names),
    }),
  );

const cases: readonly Case[] = [
  ...rows.map(({ id, kind, facts }) => ({ name: id, kind, facts })),
  ...fc.sample(bent, { numRuns: 500, seed: 7 }),
];

function recovering({ facts }: Case): boolean {
  const request = facts["request"];
  return isObject(request) && /\/rec(\/|$)/.test(`${String(request["topic"])} ${String(request["filter"])}`);
}

function withSignal(facts: Facts, type: string): Facts {
  const device = facts["device"];
  if (!isObject(device) || !isObject(device["state"])) return facts;
  const signals = device["state"]["signals"];
  const more = [
    ...(Array.isArray(signals) ? (signals as Json[]) : []),
    { type, expires_at: (facts["now"] as number) + 60 },
  ];
  return merge(facts, { device: { state: { signals: more } } }) as Facts;
}

/** What takes trust away, each as a change of the facts (INV-03). */
const harms: Readonly<Record<string, (facts: Facts) => Facts>> = {
  quarantine: (facts) =>
    isObject(facts["device"])
      ? (merge(facts, { device: { state: { quarantine: { active: true } } } }) as Facts)
      : facts,
  block: (facts) =>
    isObject(facts["device"])
      ? (merge(facts, { device: { state: { quarantine: { active: true, mode: "block" } } } }) as Facts)
      : facts,
  retire: (facts) =>
    isObject(facts["device"])
      ? (merge(facts, { device: { state: { lifecycle: "retired" } } }) as Facts)
      : facts,
  signal: (facts) => withSignal(facts, "geo_jump"),
  unmapped_signal: (facts) => withSignal(facts, "something_new"),
  revoke: (facts) => {
    const credential = facts["credential"];
    const fingerprint = isObject(credential) ? credential["fingerprint"] : undefined;
    if (!isObject(facts["device"]) || typeof fingerprint !== "string") return facts;
    return merge(facts, { device: { credentials: { [fingerprint]: { status: "revoked" } } } }) as Facts;
  },
};

describe("harm is monotone (INV-03)", () => {
  it.each(Object.keys(harms))("%s never turns a denial into an allow", (harm) => {
    const opened = cases
      .filter(({ kind }) => ownKinds.includes(kind))
      .filter((asked) => !recovering(asked) && !decide(asked.kind, asked.facts).allow)
      .filter(({ kind, facts }) => decide(kind, harms[harm]?.(facts) ?? facts).allow);
    expect(opened.map(({ name, kind }) => `${kind} ${name}`)).toEqual([]);
  });
});

const never = new Set([
  "bad_request",
  "topic_invalid",
  "credential_missing",
  "actor_missing",
  "trust_domain_unknown",
  "trust_domain_mismatch",
  "environment_mismatch",
  "tenant_mismatch",
  "credential_binding_mismatch",
  "credential_revoked",
  "credential_usage_mismatch",
  "claim_not_allowed",
  "claim_out_of_scope",
  "claim_spent",
  "device_eol",
  "device_retired",
  "region_not_allowed",
  "residency_violation",
  "direct_connect_not_allowed",
  "topic_reserved",
  "topic_out_of_scope",
  "topic_wildcard_too_broad",
  "topic_stream_not_allowed",
  "qos_not_allowed",
  "zone_not_allowed",
  "message_too_old",
  "command_not_allowed",
  "role_missing",
  "duty_conflict",
  "break_glass_not_permitted",
]);

it("staleness only denies, and a permanent reason stays (INV-05)", () => {
  for (const { name, kind, facts } of cases) {
    const before = decide(kind, facts);
    if (before.allow) continue;
    for (const lag of [31, 61, 121, 301, 86_401]) {
      const registry = facts["registry"] as Facts;
      const behind = Math.min(registry["watermark"] as number, (facts["now"] as number) - lag);
      const after = decide(kind, { ...facts, registry: { ...registry, watermark: behind } });
      expect(after.allow, `${name} ${kind} ${lag}`).toBe(false);
      if (never.has(before.reason)) expect(after.reason, `${name} ${kind} ${lag}`).toBe(before.reason);
    }
  }
});

it("no device is allowed on another tenant's topics (INV-06)", () => {
  for (const { name, kind, facts } of cases) {
    const request = facts["request"] as Facts;
    const topic = request[kind === "publish" ? "topic" : "filter"];
    if (!["publish", "subscribe"].includes(kind) || typeof topic !== "string") continue;
    const foreign = topic.replace(/^(\$share\/[^/]+\/)?t\/[^/]+\//, "t/elsewhere/");
    const asked = merge(facts, { request: { topic: foreign, filter: foreign } }) as Facts;
    expect(decide(kind, asked).allow, `${name} ${foreign}`).toBe(false);
  }
});

it("a session is bounded and honest: a second before its end it is still granted (INV-09, INV-10)", () => {
  let sessions = 0;
  for (const { name, kind, facts } of cases) {
    const answer = decide("connect", facts);
    if (kind !== "connect" || !answer.allow) continue;
    const at = facts["now"] as number;
    const { session_ttl_s: ttl } = render(answer.obligations, at) as { readonly session_ttl_s: number };
    expect(ttl, name).toBeGreaterThanOrEqual(1);
    const registry = facts["registry"] as Facts;
    const later = {
      ...facts,
      now: at + ttl - 1,
      registry: { ...registry, watermark: (registry["watermark"] as number) + ttl - 1 },
    };
    expect(decide("connect", later).allow, `${name} after ${ttl - 1} s`).toBe(true);
    sessions += 1;
  }
  expect(sessions).toBeGreaterThan(60);
});

const backoff = new Set([
  "facts_not_ready",
  "facts_stale",
  "tenant_quota_exceeded",
  "credential_not_yet_valid",
  "gateway_capacity_exceeded",
  "admission_shed",
  "ota_no_release",
  "ota_rollout_paused",
  "ota_rollout_not_running",
  "ota_tenant_hold",
  "ota_region_hold",
  "ota_gate_insufficient_data",
  "ota_gate_baking",
  "ota_ring_not_open",
  "ota_bucket_not_reached",
  "ota_outside_window",
  "ota_device_not_ready",
  "ota_in_progress",
]);

it("what is transient never disconnects and says when to come back (INV-12)", () => {
  for (const { name, kind, facts } of cases) {
    const { reason, obligations } = decide(kind, facts);
    if (!backoff.has(reason)) continue;
    expect(obligations, name).not.toHaveProperty("disconnect");
    expect(render(obligations, facts["now"] as number), name).toHaveProperty("retry_after_s");
  }
});

it("findings never repeat the reason or each other", () => {
  for (const { name, kind, facts } of cases) {
    const { reason, findings } = decide(kind, facts);
    expect(new Set([reason, ...findings]).size, `${name} ${reason} ${findings.join()}`).toBe(
      findings.length + 1,
    );
  }
});

/** A healthy offer with health and percent as given, asked at `now`. */
const campaign = ownRows.find(({ id }) => id === "updates-1")?.facts as Facts;

function askOffer(given: Facts): ReturnType<typeof decide> {
  return decide("ota", merge(campaign, given) as Facts);
}

it("eligibility is monotone in percent and in time since bake (INV-13)", () => {
  const rings = (campaign["rollout"] as Facts)["rings"] as readonly Facts[];
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 10_000 }),
      fc.integer({ min: 0, max: 10_000 }),
      fc.integer({ min: 0, max: 9999 }),
      fc.integer({ min: 0, max: 30 * 86_400 }),
      fc.integer({ min: 0, max: 30 * 86_400 }),
      (percent, more, bucket, age, older) => {
        const now = campaign["now"] as number;
        const offer = (percent_bp: number, openFor: number): Facts => ({
          device: { ota: { ring: 2, bucket } },
          rollout: {
            gates: { bake_s: 9 * 86_400 },
            rings: rings.map((ring, i) =>
              i === 2
                ? { ...ring, percent_bp }
                : { ...ring, opened_at: i < 2 ? now - openFor : (ring["opened_at"] ?? 0) },
            ) as Json,
          },
        });
        const before = askOffer(offer(Math.min(percent, more), Math.min(age, older)));
        const after = askOffer(offer(Math.max(percent, more), Math.max(age, older)));
        if (before.allow) expect(after.allow).toBe(true);
      },
    ),
    { numRuns: 300 },
  );
});

it("no sequence of allowed updates lowers the security version (INV-14)", () => {
  const step = fc.record({
    kind: fc.constantFrom("feature", "security", "remediation", "rollback"),
    key: fc.integer({ min: 3_000_000, max: 3_000_009 }),
    svn: fc.integer({ min: 0, max: 6 }),
    from: fc.subarray([3_000_000, 3_000_003, 3_000_006, 3_000_009]),
  });
  let taken = 0;
  let back = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 30, size: "max" }), (steps) => {
      let firmware = { key: 3_000_003, svn: 2 };
      const highest = [firmware.svn];
      for (const { kind, key, svn, from } of steps) {
        const { allow } = askOffer({
          device: { firmware: { ...firmware } },
          release: { kind, key, svn, delta_from_key: 0 },
          rollout: { rollback_from: from },
        });
        if (!allow) continue;
        taken += 1;
        if (key < firmware.key) {
          back += 1;
          expect(kind).toBe("rollback");
          expect(from).toContain(firmware.key);
        }
        firmware = { key, svn };
        expect(firmware.svn).toBeGreaterThanOrEqual(Math.max(...highest));
        highest.push(firmware.svn);
      }
    }),
    { numRuns: 200 },
  );
  expect(taken).toBeGreaterThan(200);
  expect(back).toBeGreaterThan(5);
}, 60_000);

/** Told by the host before any policy, or by no model of the shipped data. */
const elsewhere = new Set(["bad_request"]);

it("our own tables reach every reason that these entrypoints have", () => {
  const reached = new Set(ownRows.map((row) => answerRow(row).reason));
  expect([...gateOrder, ...allowOrder].filter((code) => !reached.has(code) && !elsewhere.has(code))).toEqual(
    [],
  );
});
