/** Rego tests, by OPA and on Wasm compiled with them: production runs the compiled module, so tests should too. */
import { loadPolicy } from "../engine/load-policy.ts";
import type { Policy } from "../engine/policy.ts";
import { Fault } from "../runtime/fault.ts";
import { compilePolicy, objectionsOf } from "./compile.ts";
import { policyFault } from "./finding.ts";
import { type Opa, runOpa } from "./opa.ts";
import { readOpaText } from "./opa-errors.ts";
import type { FileCoverage } from "./opa-eval.ts";
import type { PolicyProject } from "./project.ts";
import { ignoreFlags } from "./sources.ts";

/** One test rule. */
export interface RegoTest {
  /** As in `data.sallyport.lib.topics_test.test_names`. */
  readonly name: string;
  readonly file: string;
  readonly row: number;
  readonly state: "passed" | "failed" | "skipped";
  /** Why it failed, or that the two engines disagree. */
  readonly detail: string | undefined;
  readonly durationMs: number;
}

interface Printed {
  readonly location: { readonly file: string; readonly row: number };
  readonly package: string;
  readonly name: string;
  readonly fail?: boolean;
  readonly skip?: boolean;
  readonly error?: { readonly message?: string };
  readonly duration?: number;
  readonly sub_results?: unknown;
}

function testArgs(flags: readonly string[]): string[] {
  return ["test", "-b", "--format", "json", ...flags, ...ignoreFlags({ tests: true }), "."];
}

async function runTests(opa: Opa, dir: string): Promise<string> {
  const run = await runOpa(opa, testArgs([]), dir);
  // 2: tests failed, which the output says.
  if (run.code === 0 || run.code === 2) return run.stdout;
  const found = await objectionsOf(opa, dir, ignoreFlags({ tests: true }));
  throw policyFault(found.length > 0 ? found : readOpaText(run.stderr || run.stdout));
}

const entrypointOf = ({ package: of, name }: Printed): string =>
  `${of.replace(/^data\./, "").replaceAll(".", "/")}/${name}`;

/** Runs all Rego tests of a project by both engines. @throws Fault `policy_invalid` */
export async function runRegoTests(opa: Opa, project: PolicyProject): Promise<readonly RegoTest[]> {
  const printed = (JSON.parse((await runTests(opa, project.dir)) || "[]") ?? []) as readonly Printed[];
  const plain = printed.filter(({ skip, sub_results }) => skip !== true && sub_results === undefined);
  const policy = plain.length === 0 ? undefined : await compileTests(opa, project, plain.map(entrypointOf));
  return printed
    .map((test) => outcome(test, plain.includes(test) ? policy : undefined))
    .sort((a, b) => (a.file === b.file ? a.row - b.row : a.file < b.file ? -1 : 1));
}

/** What the Rego tests evaluate; nothing where one fails, since OPA then prints no coverage. */
export async function coverageOfTests(
  opa: Opa,
  { dir }: PolicyProject,
): Promise<Readonly<Record<string, FileCoverage>>> {
  const run = await runOpa(opa, testArgs(["--coverage"]), dir);
  if (run.code !== 0) return {};
  return (JSON.parse(run.stdout) as { readonly files?: Record<string, FileCoverage> }).files ?? {};
}

async function compileTests(opa: Opa, { dir }: PolicyProject, entrypoints: string[]): Promise<Policy> {
  // Not optimised: a test of constants would be computed away, and the compiler panics on it.
  const { wasm, data } = await compilePolicy(opa, { dir, entrypoints, optimize: 0, with: { tests: true } });
  return loadPolicy({ wasm, data: JSON.parse(Buffer.from(data).toString("utf8")), required: [] });
}

function outcome(test: Printed, policy: Policy | undefined): RegoTest {
  const { location, skip, fail, error } = test;
  const state = skip === true ? "skipped" : fail === true || error !== undefined ? "failed" : "passed";
  const said = state === "failed" ? (error?.message ?? "the test is not true") : undefined;
  const disagreement = policy === undefined ? undefined : disagree(policy, test, state === "passed");
  return {
    name: `${test.package}.${test.name}`,
    file: location.file,
    row: location.row,
    state: disagreement === undefined ? state : "failed",
    detail: disagreement ?? said,
    durationMs: (test.duration ?? 0) / 1e6,
  };
}

function disagree(policy: Policy, test: Printed, passed: boolean): string | undefined {
  let value: unknown;
  try {
    value = policy.evaluate(entrypointOf(test), "{}");
  } catch (thrown) {
    const why = Fault.from(thrown, "policy_trap", "it aborted").message;
    return passed ? `OPA passes it, compiled it fails: ${why}` : undefined;
  }
  const holds = value !== undefined && value !== false;
  if (holds === passed) return undefined;
  return passed
    ? `OPA passes it, compiled it is ${value === undefined ? "undefined" : "false"}`
    : "OPA fails it, compiled it passes";
}
