/** `sallyport policy fmt`. */
import type { Command } from "commander";
import { examples } from "./examples.ts";
import { renderFindings, reportingFindings, shownPath } from "./findings-page.ts";

interface Flags {
  readonly check?: true;
  readonly json?: true;
}

async function format(folder: string, flags: Flags): Promise<void> {
  const [{ formatProject }, { needOpa }, { openProject }] = await Promise.all([
    import("../workbench/format-project.ts"),
    import("../workbench/opa.ts"),
    import("../workbench/project.ts"),
  ]);
  const { dir } = openProject(folder);
  const report = await formatProject(needOpa(), dir, flags.check !== true);
  if (flags.json === true) process.stdout.write(`${JSON.stringify(report)}\n`);
  else {
    const verb = flags.check === true ? "not formatted" : "formatted";
    for (const path of report.changed) process.stdout.write(`${verb} ${shownPath(folder, path)}\n`);
    process.stdout.write(renderFindings(folder, report.refused));
    process.stdout.write(
      `${report.total} files, ${report.changed.length} ${verb}, ${report.refused.length} left alone\n`,
    );
  }
  if (report.refused.length > 0 || (flags.check === true && report.changed.length > 0)) process.exitCode = 2;
}

/** Adds the command. */
export function policyFmt(parent: Command): void {
  parent
    .command("fmt")
    .summary("format Rego, never changing what it means")
    .description(
      "Format the Rego of a policy project as `opa fmt` does. What comes out is parsed again and compared with the\n" +
        "source: a file that would come to mean something else is left alone and named.\n" +
        "Exit code: 0, 2 a file was left alone or with --check is not formatted, 1 error.",
    )
    .argument("[dir]", "folder of the project", ".")
    .option("--check", "change nothing, name the files that are not formatted")
    .option("--json", "JSON on one line: {changed, refused, total}")
    .addHelpText(
      "after",
      examples(
        ["the policy of this repository", "sallyport policy fmt policies"],
        ["in CI", "sallyport policy fmt policies --check"],
      ),
    )
    .action((folder: string, flags: Flags) =>
      reportingFindings(folder, flags.json === true, () => format(folder, flags)),
    );
}
