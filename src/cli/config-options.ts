/** Where the service's options come from: flags shared by `serve` and `config print`. */
import { type Command, Option } from "commander";
import type { Config } from "../config/config.ts";
import { Fault } from "../runtime/fault.ts";
import { connectionVariables } from "./connection.ts";

/** What the flags hold. */
export interface ConfigFlags {
  readonly config?: string;
  readonly insecure?: true;
  readonly initializeOverrides?: true;
  readonly set: readonly string[];
}

/** `SALLYPORT_*` variables of the command line itself. */
const otherVariables: readonly string[] = ["SALLYPORT_CONFIG", "SALLYPORT_DEBUG", ...connectionVariables];

/** Adds the flags to `command`. */
export function withConfig(command: Command): Command {
  return command
    .addOption(
      new Option("--config <file>", "YAML file of options, see docs/configuration.md").env(
        "SALLYPORT_CONFIG",
      ),
    )
    .option(
      "--set <option=value>",
      "one option by its path, e.g. grpc.listen=127.0.0.1:0; repeatable, wins over file and environment",
      (pair: string, before: readonly string[]) => [...before, pair],
      [],
    )
    .option("--insecure", "listen without TLS where others can reach it");
}

/** Reads and checks the configuration. @throws Fault `config_invalid` */
export async function readConfig(flags: ConfigFlags): Promise<Config> {
  const { loadConfig } = await import("../config/load-config.ts");
  const options: Record<string, string | boolean> = {};
  for (const pair of flags.set) {
    const at = pair.indexOf("=");
    if (at < 1) {
      throw new Fault(
        "config_invalid",
        `\`--set\` has \`${pair}\`: give \`option=value\`, as in \`log.level=debug\``,
      );
    }
    options[pair.slice(0, at)] = pair.slice(at + 1);
  }
  if (flags.insecure === true) options["insecure"] = true;
  if (flags.initializeOverrides === true) options["overrides.initialize"] = true;
  try {
    return loadConfig({
      ...(flags.config === undefined ? {} : { file: flags.config }),
      environment: process.env,
      otherVariables,
      flags: options,
      cwd: process.cwd(),
    });
  } catch (thrown) {
    if (flags.config !== undefined || !(thrown instanceof Fault)) throw thrown;
    throw new Fault(thrown.code, `${thrown.message}; no file was read, name one with \`--config FILE\``, {
      cause: thrown,
    });
  }
}
