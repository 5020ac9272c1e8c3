/** `sallyport policy eval`. */
import type { Command } from "commander";
import { examples } from "./examples.ts";
import { reportingFindings } from "./findings-page.ts";
import { renderTold, toldJson } from "./policy-answer-page.ts";
import { type AskFlags, askAs, withAsk } from "./policy-ask.ts";

async function evaluate(folder: string, flags: AskFlags): Promise<void> {
  const { told } = await askAs(folder, flags);
  process.stdout.write(flags.json === true ? `${JSON.stringify(toldJson(told))}\n` : renderTold(told));
  if (!told.alike) process.exitCode = 2;
}

/** Adds the command. */
export function policyEval(parent: Command): void {
  const command = parent
    .command("eval")
    .summary("ask one question of a policy")
    .description(
      "Ask a policy project one question, on the compiled module as the service would and by OPA.\n" +
        "Exit code: 0 answered, allow or denial, 2 the two engines differ, 1 error.",
    )
    .argument("[dir]", "folder of the project", ".");
  withAsk(command)
    .option("--json", "JSON on one line, with the input that the policy saw")
    .addHelpText(
      "after",
      examples(
        ["a case of the decision tables", "sallyport policy eval policies --case commands#3"],
        ["facts of one's own", "sallyport policy eval policies --ask publish --input facts.yaml"],
        ["the cuts", "sallyport policy eval policies --ask cuts"],
      ),
    )
    .action((folder: string, flags: AskFlags) =>
      reportingFindings(folder, flags.json === true, () => evaluate(folder, flags)),
    );
}
