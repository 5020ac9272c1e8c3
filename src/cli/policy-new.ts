/** `sallyport policy new`. */
import type { Command } from "commander";
import { examples } from "./examples.ts";
import { shownPath } from "./findings-page.ts";
import { emphasise } from "./page.ts";

interface Flags {
  readonly model: string;
  readonly json?: true;
}

async function create(folder: string, { model, json }: Flags): Promise<void> {
  const { createProject } = await import("../workbench/new-project.ts");
  const files = createProject(folder, model);
  if (json === true) {
    process.stdout.write(`${JSON.stringify({ dir: folder, model, files })}\n`);
    return;
  }
  process.stdout.write(
    `${emphasise("good", "created")} a policy for ${model} in ${shownPath(folder, ".")}, ${files.length} files\n` +
      `\nnext:\n  sallyport policy check ${folder}\n  sallyport policy test ${folder}\n  sallyport policy build ${folder}\n`,
  );
}

/** Adds the command. */
export function policyNew(parent: Command): void {
  parent
    .command("new")
    .summary("start a policy project")
    .description(
      "Start a policy project in a new folder: rules for every entrypoint, input schemas, Rego tests and decision\n" +
        "tables of one security model. It passes its tests and builds as it is. Exit code: 0, or 1 where the folder is\n" +
        "not empty or there is no such model.",
    )
    .argument("<dir>", "folder to create")
    .option(
      "--model <name>",
      "shared_credential, device_pki, gateway_mediated, zero_trust or safety_segmented",
      "device_pki",
    )
    .option("--json", "JSON on one line: {dir, model, files}")
    .addHelpText(
      "after",
      examples(
        ["certificates of their own", "sallyport policy new first-policy"],
        ["evidence for everything", "sallyport policy new first-policy --model zero_trust"],
      ),
    )
    .action(create);
}
