import { dirname, resolve } from "node:path";
import { Fault } from "../runtime/fault.ts";
import { checkConfig } from "./check-config.ts";
import type { Config } from "./config.ts";
import { describeIssue } from "./describe-issue.ts";
import { readEnvironment, readFlags } from "./environment.ts";
import { listOptions } from "./options.ts";
import { resolvePaths } from "./resolve-paths.ts";
import { configSchema } from "./schema.ts";
import { deepFreeze, merge, type Tree } from "./tree.ts";
import { readYaml, type YamlSource } from "./yaml-source.ts";

/** Where options come from; later ones win: file, environment, flags. */
export interface ConfigSources {
  /** YAML file; absent: defaults, environment and flags only. */
  readonly file?: string;
  /** Environment; every `SALLYPORT_*` variable in it must be an option or one of `otherVariables`. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** `SALLYPORT_*` variables that are not options, such as the one that names the file. */
  readonly otherVariables?: readonly string[];
  /** Options by path, as in `{ "grpc.listen": "127.0.0.1:0" }`. */
  readonly flags?: Readonly<Record<string, string | boolean>>;
  /** Folder that relative paths of environment and flags start from; those of the file start from its folder. */
  readonly cwd: string;
}

/**
 * Reads, merges and checks the configuration. The result is complete and frozen, and each path in it absolute.
 * @throws {Fault} `config_invalid`, naming every option that is wrong, with its line in the file where it has one.
 */
export function loadConfig(sources: ConfigSources): Config {
  const options = listOptions();
  const { cwd } = sources;
  const path = sources.file === undefined ? undefined : resolve(cwd, sources.file);
  const yaml: YamlSource | undefined = path === undefined ? undefined : readYaml(path);
  const inFile = yaml === undefined ? {} : resolvePaths(yaml.tree, options, dirname(yaml.path));
  const environment = readEnvironment(sources.environment ?? {}, options, sources.otherVariables ?? []);
  const flags = readFlags(sources.flags ?? {}, options);
  const outside: Tree = resolvePaths(merge(environment, flags), options, cwd);
  const parsed = configSchema.safeParse(merge(inFile, outside));
  const problems = parsed.success
    ? checkConfig(parsed.data)
    : parsed.error.issues.flatMap((issue) => describeIssue(issue, options));
  if (!parsed.success || problems.length > 0) {
    const lines = problems.map(({ at, text }) => {
      const line = yaml?.lineOf(at);
      return line === undefined ? text : `line ${line}: ${text}`;
    });
    const where = yaml === undefined ? "the configuration" : `configuration file \`${yaml.path}\``;
    throw new Fault("config_invalid", `${where} is wrong: ${lines.join("; ")}`);
  }
  return deepFreeze(parsed.data);
}
