/** `sallyport policy check`. */
import type { Command } from "commander";
import { examples } from "./examples.ts";
import { renderFindings, reportingFindings } from "./findings-page.ts";
import { emphasise } from "./page.ts";

async function check(folder: string, flags: { readonly json?: true }): Promise<void> {
  const [{ checkPolicy }, { needOpa }, { openProject }] = await Promise.all([
    import("../workbench/check.ts"),
    import("../workbench/opa.ts"),
    import("../workbench/project.ts"),
  ]);
  const findings = await checkPolicy(needOpa(), openProject(folder));
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
    .addHelpText(
      "after",
      examples(
        ["the policy of this repository", "sallyport policy check policies"],
        [
          "codes and how often they come",
          "sallyport policy check --json | jq -r '.findings[].code' | sort | uniq -c",
        ],
      ),
    )
    .action((folder: string, flags: { readonly json?: true }) =>
      reportingFindings(folder, flags.json === true, () => check(folder, flags)),
    );
}
