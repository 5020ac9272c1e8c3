import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { releaseSchema, rolloutSchema } from "../../src/registry/release-schemas.ts";
import {
  deviceSchema,
  firmwarePolicySchema,
  reportSchema,
  serviceSchema,
  tenantSchema,
} from "../../src/registry/schemas.ts";
import { codesIn, readTables } from "./tables.ts";

interface Schema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly required?: readonly string[];
  readonly default?: unknown;
}

/** Every path of a schema with whether it must be there; entries of maps and lists are `*`. */
function pathsOf(schema: Schema, path = ""): [path: string, mandatory: boolean][] {
  const below = (name: string): string => (path === "" ? name : `${path}.${name}`);
  const found: [string, boolean][] = (schema.anyOf ?? []).flatMap((each) => pathsOf(each, path));
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    const mandatory = (schema.required ?? []).includes(name) && child.default === undefined;
    found.push([below(name), mandatory], ...pathsOf(child, below(name)));
  }
  const rest = schema.additionalProperties;
  if (typeof rest === "object") found.push([below("*"), true], ...pathsOf(rest, below("*")));
  if (schema.items !== undefined) found.push(...pathsOf(schema.items, below("*")));
  return found;
}

const rows = readTables("docs/facts.md").filter(({ cells }) => "path" in cells);
const inputRows = rows.filter(({ cells }) => "if absent" in cells);
const pathsIn = (of: typeof rows): string[] => of.flatMap(({ cells }) => codesIn(cells["path"] ?? ""));
const mentioned = new Set(pathsIn(rows));

const folder = "policies/schemas";
const inputs = readdirSync(folder).flatMap((name) =>
  pathsOf(JSON.parse(readFileSync(`${folder}/${name}`, "utf8")) as Schema).map(
    ([path, mandatory]) => ({ entrypoint: name.replace(".json", ""), path, mandatory }) as const,
  ),
);

const records = (
  [
    ["device", deviceSchema],
    ["tenant", tenantSchema],
    ["firmware_policy", firmwarePolicySchema],
    ["release", releaseSchema],
    ["rollout", rolloutSchema],
    ["service", serviceSchema],
    ["report", reportSchema],
  ] as const
).flatMap(([kind, schema]) => pathsOf(z.toJSONSchema(schema, { io: "input" }) as Schema, kind));

describe("docs/facts.md", () => {
  it("was compared with something", () => {
    expect(inputs.length).toBeGreaterThan(400);
    expect(records.length).toBeGreaterThan(60);
  });

  it("mentions every path that a policy can read", () => {
    const missing = inputs.filter(({ path }) => !mentioned.has(path));
    expect(missing.map(({ entrypoint, path }) => `${entrypoint}: ${path}`)).toEqual([]);
  });

  it("mentions every field of the records", () => {
    const missing = records.filter(
      ([path]) => !mentioned.has(path) && !mentioned.has(path.replace(/^firmware_policy/, "fw_policy")),
    );
    expect(missing.map(([path]) => path)).toEqual([]);
  });

  it("mentions no input and no field that does not exist", () => {
    const existing = new Set([...inputs.map(({ path }) => path), ...records.map(([path]) => path)]);
    expect(pathsIn(inputRows).filter((path) => !inputs.some((input) => input.path === path))).toEqual([]);
    expect([...mentioned].filter((path) => !existing.has(path))).toEqual([]);
  });

  it("calls mandatory what the schemas require", () => {
    const wrong: string[] = [];
    const ofUpdates = new Set(pathsIn(inputRows.filter(({ heading }) => heading === "Updates")));
    for (const { cells, heading } of inputRows) {
      const said = cells["if absent"] === "mandatory";
      // What the section on updates lists is what that entrypoint reads otherwise.
      const applies = (entrypoint: string, path: string): boolean =>
        heading === "Updates" ? entrypoint === "ota" : entrypoint !== "ota" || !ofUpdates.has(path);
      for (const path of codesIn(cells["path"] ?? "")) {
        for (const input of inputs) {
          if (input.path !== path || !applies(input.entrypoint, path)) continue;
          if (input.mandatory !== said) wrong.push(`${input.entrypoint}: ${path}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  it("leaves no cell empty", () => {
    for (const { cells } of rows)
      for (const cell of Object.values(cells)) expect(cell, JSON.stringify(cells)).not.toBe("");
  });
});
