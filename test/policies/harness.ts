/**
 * Evaluates decision rows on the compiled Wasm with a small host of its own: projection by schema, defaults,
 * rendering of obligations. The service has a better one; this one keeps the policies testable alone.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { readArchive } from "../../policies/archive.ts";
import { manifestOf } from "../../policies/bundle.ts";
import type { Schema } from "../../policies/schemas.ts";
import { type Facts, isObject, type Json, type Row, root } from "./tables.ts";

/** What an entrypoint answers. */
export interface Answer {
  readonly allow: boolean;
  readonly reason: string;
  readonly findings: readonly string[];
  readonly obligations: Facts;
}

interface Policy {
  readonly evaluate: (input: unknown, entrypoint: string) => { readonly result: unknown }[];
  readonly setData: (data: unknown) => void;
}

const require = createRequire(import.meta.url);
const { loadPolicy } = require("@open-policy-agent/opa-wasm") as {
  readonly loadPolicy: (wasm: Uint8Array, memory: { initial: number }) => Promise<Policy>;
};

const files = await readArchive(readFileSync(join(root, "bundles", "sallyport.tar.gz")));

/** The bundle's policy data. */
export const data = JSON.parse(files.get("/data.json")?.toString("utf8") ?? "{}") as { readonly site: Facts };

/** Schemas of the committed bundle, by entrypoint. */
export const schemas = manifestOf(files).metadata.sallyport.schemas as Readonly<Record<string, Schema>>;

/** A fresh instance of a Wasm policy, the bundle's by default, with its data or another site's. */
export async function instantiate(
  wasm: Buffer = files.get("/policy.wasm") ?? Buffer.alloc(0),
  site: Facts = data.site,
): Promise<Policy> {
  const policy = await loadPolicy(wasm, { initial: 32 });
  policy.setData({ ...data, site });
  return policy;
}

const policy = await instantiate();

/** The raw answer of an entrypoint. */
export function evaluate(entrypoint: string, input: unknown): unknown {
  return policy.evaluate(input, entrypoint)[0]?.result;
}

const absent = Symbol("absent");

/** The value in the schema's shape, or the path at which it does not fit. */
function fit(schema: Schema, value: Json | undefined, path: string): Json {
  if (value === undefined) {
    if (!("default" in schema)) throw new Misfit(path);
    return schema.default as Json;
  }
  const types = [schema.type ?? []].flat();
  if (!types.includes(typeOf(value)) || (schema.enum !== undefined && !schema.enum.includes(value as string)))
    throw new Misfit(path);
  if (typeof value === "number" && (value < (schema.minimum ?? value) || value > (schema.maximum ?? value)))
    throw new Misfit(path);
  if (Array.isArray(value))
    return value.map((item, i) => fit(schema.items ?? {}, item as Json, `${path}/${i}`));
  if (!isObject(value)) return value;
  const { properties, additionalProperties: rest } = schema;
  const names = properties === undefined ? Object.keys(value) : Object.keys(properties);
  return Object.fromEntries(
    names
      .map((name) => {
        const of = properties?.[name] ?? rest ?? {};
        const optional =
          properties !== undefined && schema.required?.includes(name) !== true && !("default" in of);
        return [
          name,
          optional && value[name] === undefined ? absent : fit(of, value[name], `${path}/${name}`),
        ] as const;
      })
      .filter((entry): entry is readonly [string, Json] => entry[1] !== absent),
  );
}

class Misfit extends Error {}

function typeOf(value: Json): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return typeof value === "number" && Number.isInteger(value) ? "integer" : typeof value;
}

/** Host duties around the projection: the bound credential only, the peer that vouches for its gateway. */
function prepared(entrypoint: string, facts: Facts): Facts {
  const request = isObject(facts["request"]) ? facts["request"] : {};
  const device = facts["device"];
  const vouched = typeof request["via"] === "string" && facts["gateway_credential"] === undefined;
  const with_gateway: Facts = vouched ? { ...facts, gateway_credential: "asserted" } : facts;
  if (!isObject(device) || !isObject(device["credentials"])) return with_gateway;
  const credential = facts["credential"];
  const presented = isObject(credential) ? credential["fingerprint"] : undefined;
  const kept = Object.entries(device["credentials"]).filter(([fingerprint, entry]) =>
    entrypoint === "command" ? !isObject(entry) || entry["status"] === "active" : fingerprint === presented,
  );
  return { ...with_gateway, device: { ...device, credentials: Object.fromEntries(kept) } };
}

/** The projected input, or the denial that the host gives itself. */
export function project(
  entrypoint: string,
  facts: Facts,
): { readonly input: Facts } | { readonly fault: string } {
  const schema = schemas[entrypoint];
  if (schema === undefined) throw new Error(`no schema for \`${entrypoint}\``);
  try {
    const request = schema.properties?.["request"] ?? {};
    fit(request, facts["request"], "/request");
  } catch {
    return { fault: "bad_request" };
  }
  try {
    const input = fit(schema, prepared(entrypoint, facts), "") as Facts;
    const judged = isObject(input["device"]) && isObject(input["tenant"]);
    return judged && input["fw_policy"] === null ? { fault: "facts_invalid" } : { input };
  } catch (error) {
    if (error instanceof Misfit) return { fault: "facts_invalid" };
    throw error;
  }
}

const durations: Readonly<Record<string, string>> = {
  reattest_within_s: "reattest_by",
  rotate_within_s: "rotate_credential_by",
  review_within_s: "review_by",
};

/** Obligations as the host renders them at `now`. */
export function render(obligations: Facts, now: number): Facts {
  const rendered: Record<string, Json> = {};
  for (const [name, value] of Object.entries(obligations)) {
    const due = durations[name];
    if (due !== undefined) rendered[due] = now + (value as number);
    else if (name === "session") rendered["session_ttl_s"] = sessionTtl(value as Facts, now);
    else if (name === "retry_at") rendered["retry_after_s"] = (value as number) - now;
    else rendered[name] = value;
  }
  return rendered;
}

function sessionTtl(session: Facts, now: number): number {
  const { max_s, until } = session as { readonly max_s: number; readonly until?: number };
  return Math.min(max_s, until === undefined ? max_s : until - now);
}

/** What the service would answer, with absolute obligations. */
export function decide(entrypoint: string, facts: Facts): Answer {
  const projected = project(entrypoint, facts);
  if ("fault" in projected) return { allow: false, reason: projected.fault, findings: [], obligations: {} };
  const answer = evaluate(`sallyport/${entrypoint}`, projected.input);
  return (answer ?? { allow: false, reason: "internal_error", findings: [], obligations: {} }) as Answer;
}

/** A row's answer, with replayed messages denied as the host does per message. */
export function answerRow(row: Row): Answer {
  const answer = decide(row.kind, row.facts);
  if (row.kind !== "publish" || !answer.allow || !replayed(row.facts)) return answer;
  return {
    allow: false,
    reason: "message_replayed",
    findings: [],
    obligations: { alert: "message_replayed" },
  };
}

function replayed(facts: Facts): boolean {
  const request = facts["request"];
  const device = facts["device"];
  const state = isObject(device) ? device["state"] : undefined;
  const seq = isObject(request) ? request["seq"] : undefined;
  const last = isObject(state) ? state["last_seq"] : undefined;
  return typeof seq === "number" && typeof last === "number" && seq <= last;
}
