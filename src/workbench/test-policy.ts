/** Everything that `sallyport policy test` runs, in one report. */
import { buildBundle } from "./build.ts";
import { type CaseRow, readCases } from "./cases.ts";
import { type Coverage, joinCoverage } from "./coverage.ts";
import type { Opa } from "./opa.ts";
import { evaluateByOpa } from "./opa-eval.ts";
import { PolicyHost } from "./policy-host.ts";
import type { PolicyProject } from "./project.ts";
import { coverageOfTests, type RegoTest, runRegoTests } from "./rego-tests.ts";
import { askedOf, type CaseOutcome, type Divergence, divergences, runCases } from "./run-cases.ts";
import { testSources } from "./sources.ts";

/** What to run beside the tests themselves. */
export interface TestOptions {
  /** Whether coverage is measured. */
  readonly coverage: boolean;
  /** Only rows and tests whose name or id contains this. */
  readonly only?: string;
}

/** The outcome of a run. */
export interface TestReport {
  readonly tests: readonly RegoTest[];
  readonly cases: readonly CaseOutcome[];
  readonly divergences: readonly Divergence[];
  readonly coverage: Coverage | undefined;
}

/**
 * Builds the project, runs Rego tests and decision tables on the compiled module and by OPA.
 * @throws Fault `policy_invalid` where something cannot be compiled or read
 */
export async function testPolicy(
  opa: Opa,
  project: PolicyProject,
  options: TestOptions,
): Promise<TestReport> {
  const { only } = options;
  const wanted = (...names: string[]): boolean =>
    only === undefined || names.some((name) => name.includes(only));
  const rows = readCases(project).filter(({ id, name, ask }: CaseRow) => wanted(id, name, ask));
  const tested = testSources(project.dir).length > 0;
  const [{ snapshot }, tests, ofTests] = await Promise.all([
    buildBundle(opa, project, 0),
    tested ? runRegoTests(opa, project) : [],
    tested && options.coverage ? coverageOfTests(opa, project) : {},
  ]);
  const cases = runCases(new PolicyHost(snapshot.policy, project.schemas), rows);
  const asked = askedOf(cases);
  const questions = asked.map((each) => each.asked);
  const { values, coverage } = await evaluateByOpa(opa, project.dir, questions, options.coverage);
  return {
    tests: tests.filter(({ name }) => wanted(name)),
    cases,
    divergences: divergences(asked, values),
    coverage: options.coverage ? joinCoverage([ofTests, coverage]) : undefined,
  };
}

/** Whether everything is as it should be. */
export function hasPassed({ tests, cases, divergences }: TestReport): boolean {
  return (
    tests.every(({ state }) => state !== "failed") &&
    cases.every(({ differences }) => differences.length === 0) &&
    divergences.length === 0
  );
}
