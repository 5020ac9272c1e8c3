/** Decision rows as complete facts: our own tables and, where that folder is present, the shared ones. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { consumerFacts } from "../cases/consumer.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type Facts = { readonly [key: string]: Json };

/** One question with its answer, complete. */
export interface Row {
  readonly id: string;
  readonly title: string;
  readonly kind: string;
  readonly model: string;
  readonly facts: Facts;
  readonly expect: {
    readonly allow: boolean;
    readonly reason: string;
    readonly obligations?: Facts;
    readonly absent?: readonly string[];
    readonly findings?: readonly string[];
  };
}

/** The project's root folder. */
export const root: string = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const sharedCases = join(root, "..", "shared", "cases");
const ownCases = join(root, "policies", "cases");

/** RFC 7396 merge patch. */
export function merge(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const merged: Record<string, Json> = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = merge(merged[key], value);
  }
  return merged;
}

export function isObject(value: Json | undefined): value is Facts {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const unit: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86400 };

/** `"@-10m"` and the like become absolute. */
export function absolute(value: Json, now: number): Json {
  if (typeof value === "string") {
    const at = /^@(?:([+-]\d+)([smhd]))?$/.exec(value);
    return at === null ? value : now + Number(at[1] ?? 0) * (unit[at[2] ?? "s"] ?? 1);
  }
  if (Array.isArray(value)) return value.map((item) => absolute(item as Json, now));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, absolute(item, now)]));
}

interface Tables {
  readonly now: number;
  readonly fixtures: Readonly<Record<string, Facts>>;
}

function fixture(tables: Tables, name: string): Json {
  const { extends: base, ...own } = tables.fixtures[name] ?? {};
  return typeof base === "string" ? merge(fixture(tables, base), own) : own;
}

interface RawRow extends Omit<Row, "facts"> {
  readonly fixture: string;
  readonly set: Facts;
}

function complete(tables: Tables, row: RawRow): Row {
  const { fixture: name, set, ...rest } = row;
  const facts = consumerFacts(
    row.kind,
    absolute(merge(fixture(tables, name), set), tables.now) as Facts,
  ) as Facts;
  const obligations = rest.expect.obligations;
  const expect =
    obligations === undefined
      ? rest.expect
      : { ...rest.expect, obligations: absolute(obligations, tables.now) as Facts };
  return { ...rest, facts, expect };
}

function load<T>(path: string): T {
  return parse(readFileSync(path, "utf8")) as T;
}

const kinds = ["connect", "publish", "subscribe", "command", "ota", "consume"];

function rowsIn(folder: string): Row[] {
  if (!existsSync(join(folder, "fixtures.yaml"))) return [];
  const tables = load<Tables>(join(folder, "fixtures.yaml"));
  return readdirSync(folder)
    .filter((name) => name.endsWith(".yaml"))
    .sort()
    .flatMap((name) => load<{ readonly cases?: readonly RawRow[] }>(join(folder, name)).cases ?? [])
    .filter((row) => kinds.includes(row.kind))
    .map((row) => complete(tables, row));
}

/** The rows of `../shared/cases`, where that folder is present. */
export const sharedRows: readonly Row[] = rowsIn(sharedCases);

interface OwnRow {
  readonly name: string;
  readonly ask: string;
  readonly of: string;
  readonly given?: Facts;
  readonly empty?: readonly string[];
  readonly answer: string;
  readonly duties?: Facts;
  readonly never?: readonly string[];
  readonly findings?: readonly string[];
}

interface Subjects {
  readonly at: number;
  readonly subjects: Readonly<Record<string, Facts>>;
}

/** A subject of `policies/cases/subjects.yaml`, complete. */
function subject(all: Subjects["subjects"], name: string): Json {
  const { like, ...own } = all[name] ?? {};
  return typeof like === "string" ? merge(subject(all, like), own) : own;
}

/** The same object with an explicit null at a dotted path. */
function emptied(value: Json | undefined, [head, ...rest]: readonly string[]): Json {
  if (head === undefined) return null;
  const fields = isObject(value) ? value : {};
  return { ...fields, [head]: emptied(fields[head], rest) };
}

function ownRow({ at, subjects }: Subjects, id: string, row: OwnRow): Row {
  const patched = absolute(merge(subject(subjects, row.of), row.given ?? {}), at) as Facts;
  const facts = (row.empty ?? []).reduce((of, path) => emptied(of, path.split(".")) as Facts, patched);
  const device = facts["device"];
  const tenant = facts["tenant"];
  const model =
    (isObject(device) ? device["model"] : undefined) ?? (isObject(tenant) ? tenant["model"] : undefined);
  const expect = {
    allow: /^(ok|ota_eligible)/.test(row.answer),
    reason: row.answer,
    ...(row.duties === undefined ? {} : { obligations: absolute(row.duties, at) as Facts }),
    ...(row.never === undefined ? {} : { absent: row.never }),
    ...(row.findings === undefined ? {} : { findings: row.findings }),
  };
  return {
    id,
    title: row.name,
    kind: row.ask,
    model: typeof model === "string" ? model : "*",
    facts,
    expect,
  };
}

/** The rows of a folder of decision tables in our format; their subjects may stand in another. */
export function rowsOf(folder: string, subjectsIn: string = folder): Row[] {
  const subjects = load<Subjects>(join(subjectsIn, "subjects.yaml"));
  return readdirSync(folder)
    .filter((name) => name.endsWith(".yaml") && name !== "subjects.yaml")
    .sort()
    .flatMap((name) =>
      load<{ readonly cases: readonly OwnRow[] }>(join(folder, name)).cases.map((row, i) =>
        ownRow(subjects, `${name.slice(0, -".yaml".length)}-${i + 1}`, row),
      ),
    );
}

/** The rows of `policies/cases`. */
export const ownRows: readonly Row[] = rowsOf(ownCases);

/** Every model in every state of the lifecycle, asked every kind (`matrix.ts`); too many to go with each bundle. */
export const matrixRows: readonly Row[] = rowsOf(join(root, "test", "policies", "tables"), ownCases);
