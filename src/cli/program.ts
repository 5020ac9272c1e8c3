/** The command line as a value: every command, none of them run. */
import { Command } from "commander";
import { bundle } from "./bundle.ts";
import { check } from "./check.ts";
import { configPrint } from "./config-print.ts";
import { deviceGet } from "./device-get.ts";
import { eligible } from "./eligible.ts";
import { examples } from "./examples.ts";
import { keyset } from "./keyset.ts";
import { lift } from "./lift.ts";
import { override } from "./override.ts";
import { policy } from "./policy.ts";
import { quarantine } from "./quarantine.ts";
import { registry } from "./registry.ts";
import { rollout } from "./rollout.ts";
import { serve } from "./serve.ts";
import { readVersion } from "./version.ts";

/** Builds the program. Errors are thrown, not printed; `main.ts` words them. */
export function buildProgram(): Command {
  const program = new Command("sallyport")
    .description(
      "Policy decisions for device fleets: may this device connect, publish, subscribe, be commanded?",
    )
    .version(readVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .configureOutput({ outputError: () => undefined })
    .exitOverride()
    .addHelpText(
      "after",
      `${examples(
        ["run the service", "sallyport serve --config examples/quickstart/sallyport.yaml"],
        ["ask it", "sallyport check connect --as meter-001"],
        ["look at a device", "sallyport device get meter-001"],
      )}\nExit code: 0 done or allowed, 2 denied or tests failed, 1 error. SALLYPORT_DEBUG=1 shows where an error came from.`,
    );
  serve(program);
  check(program);
  deviceGet(program);
  registry(program);
  eligible(program);
  rollout(program);
  quarantine(program);
  lift(program);
  override(program);
  bundle(program);
  keyset(program);
  configPrint(program);
  policy(program);
  return program;
}

/** Words of the innermost command that the arguments name. */
export function pathOf(program: Command, words: readonly string[]): string {
  let command = program;
  let path = program.name();
  for (const word of words) {
    const next = command.commands.find((each) => each.name() === word);
    if (next === undefined) break;
    command = next;
    path += ` ${word}`;
  }
  return path;
}
