/** `sallyport policy inspect`. */
import type { Command } from "commander";
import { examples } from "./examples.ts";
import { reportingFindings } from "./findings-page.ts";
import { alignCells, renderRows } from "./page.ts";

async function inspect(folder: string, flags: { readonly json?: true }): Promise<void> {
  const [{ inspectProject }, { needOpa }, { openProject }] = await Promise.all([
    import("../workbench/inspect.ts"),
    import("../workbench/opa.ts"),
    import("../workbench/project.ts"),
  ]);
  const summary = await inspectProject(needOpa(), openProject(folder));
  if (flags.json === true) {
    process.stdout.write(`${JSON.stringify(summary)}\n`);
    return;
  }
  const { entrypoints, packages, reasons, unreached } = summary;
  process.stdout.write(
    `policy in ${summary.dir}\n${renderRows([
      ["sources", summary.sources],
      ["roots", summary.roots.join(", ")],
      ["optimize", String(summary.optimize)],
      ["entrypoints", ...alignCells(entrypoints.map(({ name, cases }) => [name, `${cases} cases`]))],
      [
        "packages",
        ...alignCells(packages.map(({ name, files, rules }) => [name, `${rules} rules`, files.join(", ")])),
      ],
      ["Rego tests", String(summary.tests)],
      ["reasons", `${reasons.length} named by rules and data`],
      ["no case for", ...(unreached.length === 0 ? [] : [unreached.join(", ")])],
    ])}`,
  );
}

/** Adds the command. */
export function policyInspect(parent: Command): void {
  parent
    .command("inspect")
    .summary("a policy at a glance, and what no case reaches")
    .description(
      "Say what a policy project consists of: entrypoints with their cases, packages, tests, the reason codes that\n" +
        "it can give and those of them that no case expects. For a bundle there is `sallyport bundle inspect`.",
    )
    .argument("[dir]", "folder of the project", ".")
    .option("--json", "JSON on one line")
    .addHelpText(
      "after",
      examples(
        ["the policy of this repository", "sallyport policy inspect policies"],
        ["reasons without a case", "sallyport policy inspect policies --json | jq -r '.unreached[]'"],
      ),
    )
    .action((folder: string, flags: { readonly json?: true }) =>
      reportingFindings(folder, flags.json === true, () => inspect(folder, flags)),
    );
}
