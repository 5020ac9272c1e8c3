/** `sallyport config print`. */
import type { Command } from "commander";
import { type ConfigFlags, readConfig, withConfig } from "./config-options.ts";
import { examples } from "./examples.ts";

interface Flags extends ConfigFlags {
  readonly json?: true;
}

async function run(flags: Flags): Promise<void> {
  const config = await readConfig(flags);
  const [{ redact }, { stringify }] = await Promise.all([import("../config/redact.ts"), import("yaml")]);
  const shown = redact(config);
  process.stdout.write(
    flags.json === true ? `${JSON.stringify(shown)}\n` : stringify(shown, { lineWidth: 0 }),
  );
}

/** Adds `config` and the command. */
export function configPrint(program: Command): void {
  const parent = program
    .command("config")
    .summary("look at the configuration")
    .description("Look at the configuration.");
  const command = parent
    .command("print")
    .summary("the options in force, defaults included")
    .description(
      "Print the options in force: file, environment and flags merged, defaults filled in, paths absolute.\n" +
        "Nothing that looks like a secret is shown. Exit code: 0, or 1 where the configuration is wrong.",
    );
  withConfig(command)
    .option("--json", "JSON on one line instead of YAML")
    .addHelpText(
      "after",
      examples(
        ["check a file before using it", "sallyport config print --config sallyport.yaml > /dev/null"],
        [
          "see what a variable changes",
          "SALLYPORT_LOG_LEVEL=debug sallyport config print --config sallyport.yaml",
        ],
      ),
    )
    .action(run);
}
