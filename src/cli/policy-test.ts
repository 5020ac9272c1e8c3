/** `sallyport policy test`. */
import { writeFileSync } from "node:fs";
import { type Command, InvalidArgumentError } from "commander";
import { examples } from "./examples.ts";
import { reportingFindings } from "./findings-page.ts";
import { renderTestReport, testReportJson } from "./test-report-page.ts";

interface Flags {
  readonly only?: string;
  readonly coverage?: true;
  readonly threshold?: number;
  readonly junit?: string;
  readonly json?: true;
}

async function test(folder: string, flags: Flags): Promise<void> {
  const [{ hasPassed, testPolicy }, { renderJunit }, { needOpa }, { openProject }] = await Promise.all([
    import("../workbench/test-policy.ts"),
    import("../workbench/junit.ts"),
    import("../workbench/opa.ts"),
    import("../workbench/project.ts"),
  ]);
  const started = performance.now();
  const project = openProject(folder);
  const threshold = flags.threshold ?? (flags.only === undefined ? project.settings.coverage : undefined);
  const report = await testPolicy(needOpa(), project, {
    coverage: flags.coverage === true || threshold !== undefined,
    ...(flags.only === undefined ? {} : { only: flags.only }),
  });
  if (flags.junit !== undefined) writeFileSync(flags.junit, renderJunit(report));
  const covered = threshold === undefined || (report.coverage?.percent ?? 0) >= threshold;
  const passed = hasPassed(report) && covered;
  const told = { report, threshold, passed, tookMs: performance.now() - started };
  process.stdout.write(
    flags.json === true
      ? `${JSON.stringify(testReportJson(told))}\n`
      : renderTestReport(folder, told, flags.coverage === true),
  );
  if (!passed) process.exitCode = 2;
}

function parsePercent(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0 && value <= 100) return value;
  throw new InvalidArgumentError("give a percentage from 0 to 100.");
}

/** Adds the command. */
export function policyTest(parent: Command): void {
  parent
    .command("test")
    .summary("run Rego tests and decision tables")
    .description(
      "Run the Rego tests (*_test.rego) and the decision tables (cases/*.yaml) of a policy project on the compiled\n" +
        "module that production runs, and by OPA; both must agree.\n" +
        "Exit code: 0 all passed, 2 something failed or coverage is below the threshold, 1 nothing could be run.",
    )
    .argument("[dir]", "folder of the project", ".")
    .option("--only <text>", "only tests and cases whose name, id or entrypoint contains this")
    .option("--coverage", "list the lines that nothing evaluated")
    .option(
      "--threshold <percent>",
      "least share of expressions that tests and tables must evaluate; default: coverage in policy.yaml",
      parsePercent,
    )
    .option("--junit <file>", "write a JUnit report too")
    .option("--json", "JSON on one line; findings as {findings: [...]}")
    .addHelpText(
      "after",
      examples(
        ["the policy of this repository", "sallyport policy test policies"],
        ["in CI", "sallyport policy test policies --threshold 95 --junit report.xml"],
      ),
    )
    .action((folder: string, flags: Flags) =>
      reportingFindings(folder, flags.json === true, () => test(folder, flags)),
    );
}
