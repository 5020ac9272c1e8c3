/** Decision tables: one question and its answer a row, checked before anything is asked. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { obligationNames } from "../decision/obligations.ts";
import { isAllowReason, isDenyReason } from "../decision/reasons.ts";
import { caseSchema } from "./case-schema.ts";
import { absolute, emptied, type Facts, isFacts, mergePatch } from "./facts.ts";
import { type Finding, policyFault } from "./finding.ts";
import type { PolicyProject } from "./project.ts";
import { readYamlFile, type YamlFile } from "./yaml-file.ts";

/** One question with its answer; facts complete, times absolute. */
export interface CaseRow {
  /** `file#number`, as in `commands#3`. */
  readonly id: string;
  readonly name: string;
  /** Entrypoint without `sallyport/`. */
  readonly ask: string;
  readonly facts: Facts;
  readonly expect: CaseExpectation;
  readonly file: string;
  readonly row: number;
}

/** What the answer must be. */
export interface CaseExpectation {
  readonly allow: boolean;
  readonly reason: string;
  /** Rendered obligations that must be there. */
  readonly duties: Facts;
  /** Obligations that must not be there. */
  readonly never: readonly string[];
  /** All findings in order, where the row says them. */
  readonly findings: readonly string[] | undefined;
}

interface RawRow {
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

interface RawFile {
  readonly at?: number;
  readonly subjects?: Readonly<Record<string, Facts>>;
  readonly cases?: readonly RawRow[];
}

interface Table {
  readonly file: string;
  readonly raw: RawFile;
  readonly yaml: YamlFile;
}

/** Moment of the rows where no file says `at`. */
const defaultAt = 1_770_000_000;

/**
 * Reads every table in `cases/` of a project; none where there is no such folder.
 * @throws Fault `policy_invalid` with each unknown field, subject, entrypoint, code and obligation
 */
export function readCases(project: PolicyProject): readonly CaseRow[] {
  const folder = join(project.dir, "cases");
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => /\.ya?ml$/.test(name));
  const tables = names.sort().map((name): Table => {
    const file = `cases/${name}`;
    const yaml = readYamlFile(file, readFileSync(join(folder, name), "utf8"), caseSchema);
    return { file, raw: yaml.value as RawFile, yaml };
  });
  const found: Finding[] = [];
  const object: Objecting = (table, path, message, fix) => {
    found.push({ code: "case-file", file: table.file, ...table.yaml.at(path), message, fix });
  };
  const subjects = gatherSubjects(tables, object);
  const at = tables.find(({ raw }) => raw.at !== undefined)?.raw.at ?? defaultAt;
  const rows = tables.flatMap((table) =>
    (table.raw.cases ?? []).flatMap((raw, index) => {
      const count = found.length;
      checkRow(project, raw, subjects, (path, message, fix) =>
        object(table, ["cases", index, ...path], message, fix),
      );
      if (found.length > count) return [];
      return [toRow(table, raw, index, subjects.get(raw.of) ?? {}, at)];
    }),
  );
  if (found.length > 0) throw policyFault(found);
  return rows;
}

type Objecting = (table: Table, path: readonly (string | number)[], message: string, fix: string) => void;

/** Every subject, complete. */
function gatherSubjects(tables: readonly Table[], object: Objecting): Map<string, Facts> {
  const raw = new Map<string, { table: Table; facts: Facts }>();
  for (const table of tables) {
    for (const [name, facts] of Object.entries(table.raw.subjects ?? {})) {
      if (raw.has(name))
        object(table, ["subjects", name], `the subject \`${name}\` is there twice`, "rename one of them");
      raw.set(name, { table, facts });
    }
  }
  const complete = (name: string, seen: readonly string[]): Facts => {
    const { table, facts } = raw.get(name) as { table: Table; facts: Facts };
    const { like, ...own } = facts;
    if (typeof like !== "string") return own;
    const problem = seen.includes(like)
      ? `\`${name}\` is like itself`
      : raw.has(like)
        ? undefined
        : `\`${name}\` is like \`${like}\`, which is no subject`;
    if (problem === undefined) return mergePatch(complete(like, [...seen, like]), own) as Facts;
    object(
      table,
      ["subjects", name, "like"],
      problem,
      "name a subject of these tables that stands on its own",
    );
    return own;
  };
  return new Map([...raw.keys()].map((name) => [name, complete(name, [name])]));
}

function checkRow(
  { schemas }: PolicyProject,
  raw: RawRow,
  subjects: ReadonlyMap<string, Facts>,
  object: (path: readonly (string | number)[], message: string, fix: string) => void,
): void {
  if (!Object.hasOwn(schemas, raw.ask))
    object(
      ["ask"],
      `\`${raw.ask}\` is no entrypoint with a schema; there are ${Object.keys(schemas).join(", ")}`,
      "ask one of these, or write the schema of its input to schemas/",
    );
  if (!subjects.has(raw.of))
    object(
      ["of"],
      `there is no subject \`${raw.of}\`; there are ${[...subjects.keys()].join(", ")}`,
      "take one of these, or describe it under `subjects`",
    );
  for (const [path, code] of [
    [["answer"], raw.answer] as const,
    ...(raw.findings ?? []).map((code, at) => [["findings", at], code] as const),
  ]) {
    if (!isAllowReason(code) && !isDenyReason(code))
      object(path, `\`${code}\` is no reason code`, "take one of docs/reasons.md");
  }
  for (const [field, names] of [
    ["duties", Object.keys(raw.duties ?? {})],
    ["never", raw.never ?? []],
  ] as const) {
    for (const name of names) {
      if (!(obligationNames as readonly string[]).includes(name))
        object([field], `\`${name}\` is no obligation`, "take one of docs/obligations.md");
    }
  }
}

function toRow(table: Table, raw: RawRow, index: number, subject: Facts, at: number): CaseRow {
  const patched = absolute(mergePatch(subject, raw.given ?? {}), at);
  const facts = (raw.empty ?? []).reduce<unknown>(emptied, patched);
  return {
    id: `${table.file.replace(/^cases\/|\.ya?ml$/g, "")}#${index + 1}`,
    name: raw.name,
    ask: raw.ask,
    facts: isFacts(facts) ? facts : {},
    expect: {
      allow: isAllowReason(raw.answer),
      reason: raw.answer,
      duties: absolute(raw.duties ?? {}, at) as Facts,
      never: raw.never ?? [],
      findings: raw.findings,
    },
    file: table.file,
    row: table.yaml.at(["cases", index]).row,
  };
}
