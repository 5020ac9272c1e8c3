/** `sallyport policy check`. */
import { writeFileSync } from "node:fs";
import type { Command } from "commander";
import { examples } from "./examples.ts";
import { renderFindings, reportingFindings } from "./findings-page.ts";
import { emphasise } from "./page.ts";

interface Flags {
  readonly json?: true;
  readonly junit?: string;
}

async function check(folder: string, flags: Flags): Promise<void> {
  const [{ checkPolicy }, { renderFindingsJunit }, { needOpa }, { openProject }] = await Promise.all([
    import("../workbench/check.ts"),
    import("../workbench/junit.ts"),
    import("../workbench/opa.ts"),
    import("../workbench/project.ts"),
  ]);
  const findings = await checkPolicy(needOpa(), openProject(folder));
  if (flags.junit !== undefined) writeFileSync(flags.junit, renderFindingsJunit(findings));
  if (flags.json === true) process.stdout.write(`${JSON.stringify({ findings })}\n`);
  else if (findings.length === 0) process.stdout.write(`${emphasise("good", "nothing to object")}\n`);
  else {
    const noun = findings.length === 1 ? "finding" : "findings";
    process.stdout.write(`${renderFindings(folder, findings)}${findings.length} ${noun}\n`);
  }
  if (findings.length > 0) process.exitCode = 2;
}

/** Adds the command. */
export function policyCheck(parent: Command): void {
  parent
    .command("check")
    .summary("look for mistakes without running anything")
    .description(
      "Check a policy project: strict compilation, references against the input schemas, rules that an absent fact\n" +
        "opens, clock reads outside lib/time, comparisons that no cut lists, unknown reason codes, unreachable rules,\n" +
        "topics that nothing matches, decision tables. `# sallyport:ignore CODE why` takes a finding back.\n" +
        "Exit code: 0 nothing found, 2 findings, 1 nothing could be checked.",
    )
    .argument("[dir]", "folder of the project", ".")
    .option("--json", "JSON on one line: {findings: [{code, file, row, col, message, fix}]}")
    .option("--junit <file>", "write a JUnit report too: a failed test for each finding")
    .addHelpText(
      "after",
      examples(
        ["the policy of this repository", "sallyport policy check policies"],
        ["in CI", "sallyport policy check policies --junit check.xml"],
        [
          "codes and how often they come",
          "sallyport policy check --json | jq -r '.findings[].code' | sort | uniq -c",
        ],
      ),
    )
    .action((folder: string, flags: Flags) =>
      reportingFindings(folder, flags.json === true, () => check(folder, flags)),
    );
}
