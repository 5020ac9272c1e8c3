/** A project at a glance: what it asks, what it can answer, and what no case reaches. */
import { isAllowReason, isDenyReason } from "../decision/reasons.ts";
import { readCases } from "./cases.ts";
import { branchesOf, termsIn } from "./lint/tree.ts";
import type { Opa } from "./opa.ts";
import { parseSources } from "./parse-sources.ts";
import type { PolicyProject } from "./project.ts";
import { sourcesDigest, testSources } from "./sources.ts";
import { readYamlFile } from "./yaml-file.ts";

/** One package of a project. */
export interface PackageSummary {
  readonly name: string;
  readonly files: readonly string[];
  readonly rules: number;
}

/** Plain and printable. */
export interface ProjectSummary {
  readonly dir: string;
  readonly sources: string;
  readonly roots: readonly string[];
  readonly optimize: number;
  readonly entrypoints: readonly { readonly name: string; readonly cases: number }[];
  readonly packages: readonly PackageSummary[];
  readonly tests: number;
  /** Codes that rules or data name, in alphabetical order. */
  readonly reasons: readonly string[];
  /** Those of them that no case expects. */
  readonly unreached: readonly string[];
}

/** Reads everything, runs nothing. @throws Fault `policy_invalid` where something does not parse */
export async function inspectProject(opa: Opa, project: PolicyProject): Promise<ProjectSummary> {
  const [parsed, tests] = await Promise.all([
    parseSources(opa, project.dir, project.sources),
    parseSources(opa, project.dir, testSources(project.dir)),
  ]);
  const rows = readCases(project);
  const packages = new Map<string, { files: string[]; rules: number }>();
  const named = new Set<string>();
  for (const { path, module } of parsed) {
    const name = module.package.path
      .slice(1)
      .map(({ value }) => String(value))
      .join(".");
    const known = packages.get(name) ?? { files: [], rules: 0 };
    known.files.push(path);
    known.rules += module.rules?.length ?? 0;
    packages.set(name, known);
    for (const { rule } of branchesOf(module)) {
      for (const { type, value } of termsIn([rule.head, rule.body]))
        if (type === "string") named.add(value as string);
    }
  }
  for (const { path, bytes } of project.sources) {
    if (/(?:^|\/)data\.(?:ya?ml|json)$/.test(path))
      wordsIn(readYamlFile(path, bytes.toString("utf8")).value, named);
  }
  const reasons = [...named].filter((code) => isAllowReason(code) || isDenyReason(code)).sort();
  const reached = new Set(rows.flatMap(({ expect }) => [expect.reason, ...(expect.findings ?? [])]));
  return {
    dir: project.dir,
    sources: sourcesDigest(project.sources),
    roots: project.roots,
    optimize: project.settings.optimize ?? 0,
    entrypoints: project.entrypoints.map((name) => ({
      name,
      cases: rows.filter(({ ask }) => `sallyport/${ask}` === name).length,
    })),
    packages: [...packages]
      .map(([name, { files, rules }]) => ({ name, files, rules }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    tests: tests
      .flatMap(({ module }) => module.rules ?? [])
      .filter(({ head }) => String(head.name ?? head.ref[0]?.value).startsWith("test_")).length,
    reasons,
    unreached: reasons.filter((code) => !reached.has(code)),
  };
}

/** Every text in a document, keys included. */
function wordsIn(value: unknown, found: Set<string>): void {
  if (typeof value === "string") found.add(value);
  if (typeof value !== "object" || value === null) return;
  for (const [name, each] of Object.entries(value)) {
    found.add(name);
    wordsIn(each, found);
  }
}
