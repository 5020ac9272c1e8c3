/** The decision rows as OPA reads them: projected inputs with what each must answer. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { project } from "./harness.ts";
import {
  type Facts,
  isObject,
  type Json,
  matrixRows,
  ownRows,
  type Row,
  root,
  sharedRows,
} from "./tables.ts";
import { inputOf, models, twisted } from "./twists.ts";

/** Where the cuts of the shipped site are written down; a law holds them sound and minimal. */
export const cutsPath: string = join(root, "test", "policies", "cuts.json");

/** Kinds beside which a grant list stands. */
const listable: ReadonlySet<string> = new Set(["connect", "publish", "subscribe"]);

/** A row as OPA reads it. */
export interface RegoRow {
  readonly id: string;
  readonly kind: string;
  readonly input: Facts;
  readonly expect: Row["expect"];
  readonly grants?: Facts;
  readonly comparable: boolean;
}

/** Whether a grant list must say the same: nothing about message time, names or a spent claim is in question. */
function comparable({ kind, facts }: Row, reason: string): boolean {
  const request = facts["request"];
  const named = isObject(request) ? request[kind === "publish" ? "topic" : "filter"] : undefined;
  const reserved = typeof named !== "string" || named.startsWith("$");
  return !reserved && !["clock_skew_exceeded", "message_too_old", "topic_invalid"].includes(reason);
}

/** The row as OPA reads it; none where the host answers before the policy. */
export function regoRow(row: Row): RegoRow[] {
  // The host denies a replayed message by its number; the policy never sees that number.
  if (row.expect.reason === "message_replayed") return [];
  const input = inputOf(row.kind, row.facts);
  if (input === undefined) return [];
  const list = listable.has(row.kind) ? project("grants", row.facts) : undefined;
  const grants = list !== undefined && "input" in list ? { grants: list.input } : {};
  const { allow, reason, obligations = {}, absent = [], findings } = row.expect;
  const expect = { allow, reason, obligations, absent, ...(findings === undefined ? {} : { findings }) };
  return [{ id: row.id, kind: row.kind, input, expect, ...grants, comparable: comparable(row, reason) }];
}

/** A healthy device on one of its ordinary streams. */
export function plainRows(): { readonly input: Json }[] {
  const streams = ["ops", "sec", "prd", "hv", "mgmt"];
  const bends = [
    [],
    ["via", "gateway_fits"],
    ["via", "gateway_fits", "gateway_key"],
    ["via", "gateway_fits", "gateway_waiver"],
    ["via", "gateway_fits", "gateway_unpatched"],
  ];
  const chosen: Readonly<Record<string, readonly string[]>> = {
    shared_credential: ["ops"],
    device_pki: streams,
    gateway_mediated: ["ops", "hv", "mgmt"],
    zero_trust: streams,
    safety_segmented: ["ops", "sec", "hv"],
  };
  // What a tenant asks of sensitive streams slows no other.
  const ordinary = ["device_pki", "zero_trust"].flatMap((model) => {
    const input = inputOf("publish", twisted(model, "publish", "ops", ["evidence"]));
    return input === undefined ? [] : [{ input }];
  });
  const healthy = models.flatMap((model) =>
    bends.flatMap((bend) =>
      (chosen[model] ?? []).flatMap((stream) => {
        if (model === "gateway_mediated" && !bend.includes("via")) return [];
        const input = inputOf("publish", twisted(model, "publish", stream, bend));
        return input === undefined ? [] : [{ input }];
      }),
    ),
  );
  return [...ordinary, ...healthy];
}

/** Every row that reaches the policy. */
export function regoRows(): readonly RegoRow[] {
  return [...ownRows, ...sharedRows, ...matrixRows].flatMap(regoRow);
}

/** The document that `test/policies/rego/rows_test.rego` reads as `data.tables`. */
export function rowsDocument(): { readonly tables: unknown } {
  const cuts: unknown = JSON.parse(readFileSync(cutsPath, "utf8"));
  return { tables: { rows: regoRows(), plain: plainRows(), cuts } };
}
