/** Decision tables: rows of facts, a question and the answer it must get. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { parse } from "yaml";
import { consumerFacts } from "./consumer.ts";

/** A JSON object. */
export type Json = { [name: string]: unknown };

/** One row with its facts complete and its times absolute. */
export interface Row {
  readonly id: string;
  readonly title: string;
  readonly kind: string;
  readonly model: string;
  readonly tier: string | undefined;
  readonly facts: Json;
  readonly allow: boolean;
  readonly reason: string;
  readonly obligations: Json;
  readonly absent: readonly string[];
}

/** A folder of tables with its fixtures. */
export interface Tables {
  readonly now: number;
  readonly rows: readonly Row[];
}

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** JSON merge patch (RFC 7396). */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged: Json = isObject(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else merged[name] = mergePatch(merged[name], value);
  }
  return merged;
}

const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Replaces `"@"`, `"@-10m"`, `"@+30d"` by absolute unix seconds. */
export function absolute(value: unknown, now: number): unknown {
  if (typeof value === "string") {
    if (value === "@") return now;
    const found = /^@([+-]\d+)([smhd])$/.exec(value);
    return found === null ? value : now + Number(found[1]) * (units[found[2] as string] as number);
  }
  if (Array.isArray(value)) return value.map((each) => absolute(each, now));
  if (isObject(value))
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, absolute(each, now)]));
  return value;
}

function fixture(fixtures: Json, name: string): Json {
  const own = fixtures[name];
  if (!isObject(own)) throw new Error(`there is no fixture \`${name}\``);
  const { extends: base, ...rest } = own;
  return typeof base === "string" ? (mergePatch(fixture(fixtures, base), rest) as Json) : rest;
}

const at = (folder: string, file: string): Json =>
  parse(readFileSync(path.join(folder, file), "utf8")) as Json;

/** Reads `files` (all tables when empty) of a folder that has a `fixtures.yaml`. */
export function readTables(folder: string, files: readonly string[] = []): Tables {
  const shared = at(folder, "fixtures.yaml");
  const now = shared["now"] as number;
  const fixtures = shared["fixtures"] as Json;
  const names = files.length > 0 ? files : readdirSync(folder).filter((name) => name.endsWith(".yaml"));
  const rows = names.flatMap((name) => {
    const cases = at(folder, name)["cases"];
    return Array.isArray(cases) ? (cases as Json[]).map((given) => toRow(given, fixtures, now)) : [];
  });
  return { now, rows };
}

function toRow(given: Json, fixtures: Json, now: number): Row {
  const expect = given["expect"] as Json;
  const base = fixture(fixtures, given["fixture"] as string);
  return {
    id: given["id"] as string,
    title: String(given["title"] ?? ""),
    kind: given["kind"] as string,
    model: given["model"] as string,
    tier: given["tier"] as string | undefined,
    facts: consumerFacts(
      given["kind"] as string,
      absolute(mergePatch(base, given["set"] ?? {}), now) as Json,
    ) as Json,
    allow: expect["allow"] as boolean,
    reason: expect["reason"] as string,
    obligations: absolute(expect["obligations"] ?? {}, now) as Json,
    absent: (expect["absent"] as string[] | undefined) ?? [],
  };
}

/** The folder of tables that is handed from issue to issue beside the project, where it is present. */
export function sharedTables(): string | undefined {
  const folder = path.resolve(import.meta.dirname, "../../../shared/cases");
  return existsSync(path.join(folder, "fixtures.yaml")) ? folder : undefined;
}
