import { describe, expect, it } from "vitest";
import { madeByTheHost } from "../cases/own-rows.ts";
import { askCore } from "../cases/service.ts";
import { type Json, readTables, sharedTables } from "../cases/table.ts";
import { completed, decidedRows } from "../cases/world.ts";
import { ownRows } from "../policies/tables.ts";
import { shippedSnapshot } from "../shipped.ts";

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null;

const shared = sharedTables();
const sharedRows = shared === undefined ? [] : decidedRows(readTables(shared).rows);

interface Denied {
  readonly id: string;
  readonly kind: string;
  readonly reason: string;
  readonly facts: Json;
}

function withDevice(facts: Json): Json {
  return isObject(facts["device"]) ? { ...facts, device: completed(facts["device"]) } : facts;
}

/** An update is judged by the credential that the registry has for the device: it cannot be another's, or unknown. */
const impossible = (kind: string, reason: string): boolean =>
  kind === "ota" && (reason === "credential_binding_mismatch" || reason === "credential_unknown");

const denied: readonly Denied[] = [
  ...sharedRows.filter(({ allow }) => !allow),
  ...ownRows
    .filter(({ kind, expect: { allow, reason } }) => !allow && !impossible(kind, reason))
    .filter(({ kind, title }) => kind !== "consume" || !madeByTheHost.has(title))
    .map(({ id, kind, facts, expect: { reason } }) => ({
      id,
      kind,
      reason,
      facts: withDevice(facts as Json),
    })),
];

// Facts that may be absent without changing what was asked (`docs/facts.md`): deleting one asks another question.
const optional: readonly RegExp[] = [
  /^device\.(model|attestation|firmware\.attested_key|compliance\.exception)$/,
  /^device\.state\.signals(\.|$)/,
  /^request\.(via|device_time|seq|occurred_at|retain|will)(\.|$)/,
  /^tenant\.(playbook|failover|residency|admission)(\.|$)/,
  /^tenant\.(attestation_for_hv|ota_hold)$/,
  /^break_glass$/,
  /^release\.(tenants|depends|conflicts)(\.|$)/,
  /^rollout\.(window|held_regions)(\.|$)/,
  // The world decides these, not a message or a record.
  /^(now|registry)(\.|$)/,
  /^request\.kind$/,
];

/** An update is judged by what the registry knows of a credential; what it does not state is not judged. */
const unstated = /^credential(\.|$)/;

const isOptional = (fact: string, kind: string): boolean =>
  optional.some((pattern) => pattern.test(fact)) || (kind === "ota" && unstated.test(fact));

/** Every path of a document, inner ones included; list entries as `*` when `blurred`. */
function paths(value: unknown, at: readonly string[] = []): string[][] {
  if (!isObject(value)) return [[...at]];
  const below = Object.keys(value).flatMap((name) => paths(value[name], [...at, name]));
  return at.length === 0 ? below : [[...at], ...below];
}

function without(document: Json, at: readonly string[]): Json {
  const copy = structuredClone(document);
  let node: Json = copy;
  for (const name of at.slice(0, -1)) node = node[name] as Json;
  const last = at.at(-1) as string;
  if (Array.isArray(node)) node.splice(Number(last), 1);
  else delete node[last];
  return copy;
}

function replaced(document: Json, at: readonly string[], value: unknown): Json {
  const copy = structuredClone(document);
  let node: Json = copy;
  for (const name of at.slice(0, -1)) node = node[name] as Json;
  node[at.at(-1) as string] = value;
  return copy;
}

/** Entries of a list or of an open map (a claim that no profile requires) are elements, not facts. */
const isElement = (at: readonly string[]): boolean => /^\d+$/.test(at.at(-1) ?? "") || at.at(-2) === "vector";

describe("law", () => {
  const snapshot = shippedSnapshot();

  it("deleting any single mandatory fact never turns a denial into an allow", {
    timeout: 240_000,
  }, async () => {
    const opened: string[] = [];
    let tried = 0;
    for (const row of denied) {
      for (const at of paths(row.facts)) {
        if (isOptional(at.join("."), row.kind) || isElement(at)) continue;
        const decision = await askCore(snapshot, without(row.facts, at), row.kind);
        tried += 1;
        if (decision.allow)
          opened.push(`${row.id} (${row.reason}) without ${at.join(".")}: ${decision.reason}`);
      }
    }
    expect(opened).toEqual([]);
    expect(tried).toBeGreaterThan(5000);
  });

  it("a fact of the wrong type never turns a denial into an allow", { timeout: 240_000 }, async () => {
    const opened: string[] = [];
    const wrong: readonly unknown[] = [null, "", "x", -1, 1.5, true, [], {}];
    let turn = 0;
    for (const row of denied) {
      for (const at of paths(row.facts)) {
        if (isOptional(at.join("."), row.kind) || isElement(at)) continue;
        const given = at.reduce<unknown>((node, name) => (node as Json)[name], row.facts);
        // One wrong value per fact and row; over all rows each fact meets them all.
        turn += 1;
        const value = wrong[turn % wrong.length];
        // Null is a value of its own there: the registry says that the version is unknown.
        if (value === null && /^device\.firmware\.(key|svn)$/.test(at.join("."))) continue;
        if (typeof value === typeof given && Array.isArray(value) === Array.isArray(given)) continue;
        const decision = await askCore(snapshot, replaced(row.facts, at, value), row.kind);
        if (decision.allow)
          opened.push(`${row.id} (${row.reason}) with ${at.join(".")} = ${JSON.stringify(value)}`);
      }
    }
    expect(opened).toEqual([]);
  });
});
