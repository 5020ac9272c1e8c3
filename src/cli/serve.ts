/** `sallyport serve`. */
import type { Command } from "commander";
import { type ConfigFlags, withConfig } from "./config-options.ts";
import { examples } from "./examples.ts";

async function run(_flags: ConfigFlags): Promise<void> {}

/** Adds the command. */
export function serve(program: Command): void {
  const command = program
    .command("serve")
    .summary("run the decision service")
    .description(
      "Run the decision service until SIGTERM or SIGINT, which let running calls end; a second one does not.\n" +
        "Exit code: 0 after an orderly stop, 1 where it could not start or stop.",
    );
  withConfig(command)
    .addHelpText(
      "after",
      examples(
        ["the example fleet on this machine", "sallyport serve --config examples/quickstart/sallyport.yaml"],
        [
          "on other ports",
          "sallyport serve --config sallyport.yaml --set grpc.listen=127.0.0.1:0 --set http.listen=127.0.0.1:0",
        ],
      ),
    )
    .action(run);
}
