/** The command line as a value: every command, none of them run. */
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { bundleInspect } from "./bundle-inspect.ts";
import { check } from "./check.ts";
import { configPrint } from "./config-print.ts";
import { deviceGet } from "./device-get.ts";
import { examples } from "./examples.ts";
import { serve } from "./serve.ts";

function version(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

/** Builds the program. Errors are thrown, not printed; `main.ts` words them. */
export function buildProgram(): Command {
  const program = new Command("sallyport")
    .description(
      "Policy decisions for device fleets: may this device connect, publish, subscribe, be commanded?",
    )
    .version(version(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .configureOutput({ outputError: () => undefined })
    .exitOverride()
    .addHelpText(
      "after",
      `${examples(
        ["run the service", "sallyport serve --config examples/quickstart/sallyport.yaml"],
        ["ask it", "sallyport check connect --as meter-001"],
        ["look at a device", "sallyport device get meter-001"],
      )}\nExit code: 0 done or allowed, 2 denied, 1 error. SALLYPORT_DEBUG=1 shows where an error came from.`,
    );
  serve(program);
  check(program);
  deviceGet(program);
  bundleInspect(program);
  configPrint(program);
  return program;
}
