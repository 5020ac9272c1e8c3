import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Schema } from "../../policies/schemas.ts";
import { type Answer, decide, evaluate, project, schemas } from "./harness.ts";
import { type Facts, isObject, type Json, ownRows, type Row, sharedRows } from "./tables.ts";
import { models, twisted, twists } from "./twists.ts";

/** Paths that INV-00 and INV-00b let be absent; every other deletion must not open anything. */
const optional: readonly RegExp[] = [
  /^device\.model$/,
  /^device\.attestation$/,
  /^device\.attestation\.(appraised_at|expires_at|vector\..*)$/,
  /^device\.firmware\.attested_key$/,
  /^device\.compliance\.exception$/,
  /^device\.state\.signals(\..*)?$/,
  /^request\.(via|device_time|seq|will|retain|source_zone)$/,
  /^request\.will\.retain$/,
  /^tenant\.(playbook|failover|residency|admission|attestation_for_hv)(\..*)?$/,
  /^break_glass$/,
  /^gateway\.(state\.(signals|reentry_required_since)|compliance|firmware\.attested_key)(\..*)?$/,
  /^gateway\.(trust_domain|credentials|firmware|attestation|attestation\.vector\..*)$/,
  /^gateway_fw_policy\.blocked$/,
  /^tenant\.ota_hold$/,
  /^release\.(tenants|depends|conflicts)(\..*)?$/,
  /^rollout\.(window|held_regions)$/,
  /^gateway_credential$/,
];

/** What no policy can miss: a claim that was not appraised, a playbook's entry, a device whose model is its tenant's. */
const unknowable: readonly RegExp[] = [
  /attestation\.vector\./,
  /^tenant\.playbook\./,
  /^release\.(depends|conflicts)\./,
];

/** An update is judged by what the registry states of a credential. */
const unstated = /^credential\.(type|not_before|not_after|key_protection)$/;

/** The recovery stream exists for devices that are not well (INV-03): less known is less well. */
function recovering(row: Row): boolean {
  const request = row.facts["request"];
  return isObject(request) && String(request["topic"]).includes("/rec/");
}

/** Lists whose entries only add: a shorter list is another fact, not an absent one. */
const entries = /\.\d+$/;

const denied: readonly Row[] = [...ownRows, ...sharedRows].filter(
  (row) => !row.expect.allow && row.expect.reason !== "message_replayed",
);

/** Denied questions of every model: its healthy subject, bent. */
const bent: readonly Row[] = models.flatMap((model, i) =>
  fc
    .sample(
      fc.record({
        kind: fc.constantFrom("connect", "publish", "subscribe", "command"),
        stream: fc.constantFrom("hv", "ops", "mgmt"),
        names: fc.subarray(Object.keys(twists), { minLength: 1, maxLength: 3 }),
      }),
      { numRuns: 60, seed: 100 + i },
    )
    .flatMap(({ kind, stream, names }): Row[] => {
      const facts = twisted(model, kind, stream, names);
      const { allow, reason } = decide(kind, facts);
      const title = `${model} ${kind} ${stream} ${names.join()}`;
      return allow ? [] : [{ id: title, title, kind, model, facts, expect: { allow, reason } }];
    }),
);

/** Every path in the facts that the entrypoint's schema names. */
function paths(value: Json, schema: Schema | undefined, prefix = ""): string[] {
  if (typeof value !== "object" || value === null || schema === undefined) return [];
  return Object.entries(value).flatMap(([key, item]) => {
    const inner = Array.isArray(value)
      ? schema.items
      : (schema.properties?.[key] ?? schema.additionalProperties);
    if (inner === undefined) return [];
    const path = prefix === "" ? key : `${prefix}.${key}`;
    return [path, ...paths(item as Json, inner, path)];
  });
}

/** A copy with the value at the path replaced, or deleted where there is no replacement. */
function changed(value: Json, [head, ...rest]: readonly string[], by: Json | undefined): Json {
  if (head === undefined) return by ?? null;
  if (Array.isArray(value)) {
    const at = Number(head);
    if (rest.length === 0 && by === undefined) return value.filter((_, i) => i !== at) as Json;
    return value.map((item, i) => (i === at ? changed(item as Json, rest, by) : (item as Json)));
  }
  if (!isObject(value)) return value;
  if (rest.length === 0 && by === undefined)
    return Object.fromEntries(Object.entries(value).filter(([key]) => key !== head));
  return { ...value, [head]: changed(value[head] ?? null, rest, by) };
}

/** A value of another type than any that the schema allows. */
function mistyped(value: Json): Json {
  if (typeof value === "number" || typeof value === "boolean") return "zz";
  return typeof value === "string" ? 7 : "zz";
}

function valueAt(value: Json, path: readonly string[]): Json {
  return path.reduce<Json>((of, key) => (of as Facts)[key] ?? null, value);
}

function raw(entrypoint: string, input: Facts): Answer {
  return (evaluate(`sallyport/${entrypoint}`, input) ?? {
    allow: false,
    reason: "internal_error",
    findings: [],
    obligations: {},
  }) as Answer;
}

describe("deleting any single mandatory fact never turns a denial into an allow (INV-11)", () => {
  it("with a host that validates and completes: all but what may be absent (INV-00, INV-00b)", () => {
    const opened: string[] = [];
    for (const row of denied) {
      for (const path of paths(row.facts, schemas[row.kind])) {
        if (optional.some((pattern) => pattern.test(path)) || entries.test(path)) continue;
        if (row.kind === "ota" && unstated.test(path)) continue;
        if (decide(row.kind, changed(row.facts, path.split("."), undefined) as Facts).allow)
          opened.push(`${row.id} ${row.expect.reason} ${path}`);
      }
    }
    expect(opened).toEqual([]);
  }, 120_000);

  it("and without one: the policies alone do not fail open", () => {
    const opened: string[] = [];
    for (const row of [...denied, ...bent]) {
      const projected = project(row.kind, row.facts);
      if ("fault" in projected) continue;
      for (const path of paths(projected.input, schemas[row.kind])) {
        if (entries.test(path) || recovering(row) || unknowable.some((pattern) => pattern.test(path)))
          continue;
        if (raw(row.kind, changed(projected.input, path.split("."), undefined) as Facts).allow)
          opened.push(`${row.expect.reason} ${path}`);
      }
    }
    // Each model had its share.
    for (const model of models)
      expect(bent.filter((row) => row.model === model).length, model).toBeGreaterThan(10);
    expect([...new Set(opened)].sort()).toEqual([]);
  }, 120_000);
});

it("nor does a fact of the wrong type, even without such a host", () => {
  const opened: string[] = [];
  for (const row of denied) {
    const projected = project(row.kind, row.facts);
    if ("fault" in projected) continue;
    for (const path of paths(projected.input, schemas[row.kind])) {
      if (entries.test(path) || recovering(row) || unknowable.some((pattern) => pattern.test(path))) continue;
      const keys = path.split(".");
      const input = changed(projected.input, keys, mistyped(valueAt(projected.input, keys))) as Facts;
      if (raw(row.kind, input).allow) opened.push(`${row.expect.reason} ${path}`);
    }
  }
  expect([...new Set(opened)].sort()).toEqual([]);
}, 120_000);

it("whatever the input, there is exactly one answer (INV-01)", () => {
  for (const entrypoint of ["connect", "publish", "subscribe", "command", "grants"]) {
    for (const input of [
      {},
      { request: {} },
      { device: null, tenant: null, credential: null, request: { topic: 7 } },
    ]) {
      const answer = evaluate(`sallyport/${entrypoint}`, input) as Answer | undefined;
      expect(answer?.allow, `${entrypoint} ${JSON.stringify(input)}`).toBe(false);
    }
  }
});

it("a fact whose presence restricts is explicit in every input (INV-00c)", () => {
  let judged = 0;
  for (const { id, kind, facts } of [...ownRows, ...sharedRows]) {
    const projected = project(kind, facts);
    if ("fault" in projected) continue;
    const { device, tenant, rollout } = projected.input;
    if (isObject(device)) {
      expect(device, id).toHaveProperty("model");
      expect((device["state"] as Facts)["signals"], id).toBeInstanceOf(Array);
      judged += 1;
    }
    if (isObject(tenant) && ["connect", "publish"].includes(kind))
      expect(tenant["residency"], id).toBeInstanceOf(Array);
    if (isObject(tenant) && kind === "ota") expect(typeof tenant["ota_hold"], id).toBe("boolean");
    if (isObject(rollout)) expect(rollout["held_regions"], id).toBeInstanceOf(Array);
  }
  expect(judged).toBeGreaterThan(250);
});
