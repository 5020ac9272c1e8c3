/** `policy check`: everything that can be said of a policy without asking it a question. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readCases } from "./cases.ts";
import { objectionsOf } from "./compile.ts";
import { type Finding, findingsIn, sortFindings } from "./finding.ts";
import { unsafeFormats } from "./format.ts";
import { absentFacts } from "./lint/absent-facts.ts";
import { clockRead } from "./lint/clock-read.ts";
import { deadTopic } from "./lint/dead-topic.ts";
import { FactsTree } from "./lint/facts-tree.ts";
import type { DataFile, Lint, LintProject } from "./lint/lint.ts";
import { missingEntrypoints } from "./lint/missing-entrypoint.ts";
import { aliasesOf, type Scope, scopesOf } from "./lint/names.ts";
import { neverHolds } from "./lint/never-holds.ts";
import { suppress } from "./lint/suppressions.ts";
import { uncutTime } from "./lint/uncut-time.ts";
import { unknownFact } from "./lint/unknown-fact.ts";
import { unknownReason } from "./lint/unknown-reason.ts";
import { unreachable } from "./lint/unreachable.ts";
import { type Opa, runOpa } from "./opa.ts";
import type { Objection } from "./opa-errors.ts";
import { refOf } from "./opa-eval.ts";
import { parseSources } from "./parse-sources.ts";
import type { PolicyProject } from "./project.ts";
import { ignoreFlags } from "./sources.ts";
import { readYamlFile } from "./yaml-file.ts";

const lints: readonly Lint[] = [
  unknownFact,
  clockRead,
  absentFacts,
  unreachable,
  unknownReason,
  uncutTime,
  deadTopic,
  missingEntrypoints,
  neverHolds,
];

/**
 * Checks a project: it compiles, its references fit the input schemas, the lints, its decision tables.
 * @returns findings in order of place; sources that do not compile are findings too
 * @throws Fault `tool_missing`
 */
export async function checkPolicy(opa: Opa, project: PolicyProject): Promise<Finding[]> {
  const { dir, sources } = project;
  const broken = await objectionsOf(opa, dir, ignoreFlags({ tests: true }));
  if (broken.length > 0) return sortFindings(broken);
  const facts = new FactsTree(project.schemas);
  const [typed, parsed, cuts] = await Promise.all([
    checkTypes(opa, project, facts),
    parseSources(opa, dir, sources),
    evaluateCuts(opa, dir),
  ]);
  const scopes = scopesOf(parsed.map(({ module }) => module));
  const files = parsed.map(({ path, text }, at) => ({ path, text, scope: scopes[at] as Scope }));
  const { entrypoints } = project;
  const read: LintProject = {
    files,
    facts,
    aliases: aliasesOf(scopes),
    entrypoints,
    cuts,
    data: dataOf(project),
  };
  const inMask = new Set(
    files.filter(({ scope }) => scope.package.startsWith("system")).map(({ path }) => path),
  );
  const found = [
    // The mask's input is an event of the log, not the facts.
    ...typed.filter(({ file }) => !inMask.has(file)).map(({ details: _details, ...finding }) => finding),
    ...lints.flatMap((lint) => lint(read)),
    ...(await unsafeFormats(opa, dir, sources)),
    ...wrongCases(project),
  ];
  return sortFindings(suppress(files, found));
}

/** References and calls against the declared facts. */
async function checkTypes(opa: Opa, { dir }: PolicyProject, facts: FactsTree): Promise<Objection[]> {
  const scratch = await mkdtemp(join(tmpdir(), "sallyport-check-"));
  try {
    const schema = join(scratch, "input.json");
    await writeFile(schema, JSON.stringify(facts.merged()));
    const found = await objectionsOf(opa, dir, ignoreFlags(), ["-s", schema]);
    // What may be null is typed as if it never were, so that OPA looks below it: a comparison with null is right.
    return found.filter(
      ({ message }) => !/match error: (?:.* is never null|null is never .*)$/.test(message),
    );
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** What the cuts are by OPA, which is quicker than a build; undefined where there are none. */
async function evaluateCuts(opa: Opa, dir: string): Promise<unknown> {
  const flags = ["-f", "json", "-b", ".", ...ignoreFlags()];
  const run = await runOpa(opa, ["eval", ...flags, refOf("cuts")], dir);
  if (run.code !== 0) return undefined;
  const printed = JSON.parse(run.stdout) as {
    readonly result?: readonly { readonly expressions: readonly { readonly value: unknown }[] }[];
  };
  return printed.result?.[0]?.expressions[0]?.value;
}

function dataOf({ sources }: PolicyProject): DataFile[] {
  return sources
    .filter(({ path }) => /(?:^|\/)data\.(?:ya?ml|json)$/.test(path))
    .map(({ path, bytes }) => {
      const { value, at } = readYamlFile(path, bytes.toString("utf8"));
      return { path, value, at };
    });
}

function wrongCases(project: PolicyProject): readonly Finding[] {
  try {
    readCases(project);
    return [];
  } catch (thrown) {
    const found = findingsIn(thrown);
    if (found.length === 0) throw thrown;
    return found;
  }
}
