/** The question of `policy eval` and `policy explain`: from a file of facts, or a case. */
import type { Command } from "commander";
import { Fault } from "../runtime/fault.ts";
import type { Ask, Told } from "../workbench/ask.ts";
import type { PolicyProject } from "../workbench/project.ts";
import { readFileOf } from "./read-argument.ts";

/** What the flags hold. */
export interface AskFlags {
  readonly ask?: string;
  readonly input?: string;
  readonly case?: string;
  readonly json?: true;
}

/** Adds the flags. */
export function withAsk(command: Command): Command {
  return command
    .option("--case <id>", "the question of a case, by its id (file#number) or name")
    .option("--ask <entrypoint>", "entrypoint, as connect, publish, cuts or system/log/mask")
    .option(
      "--input <file>",
      "its facts, YAML or JSON, whole: the host's projection is applied; - for standard input",
    );
}

async function readAsk(project: PolicyProject, flags: AskFlags): Promise<Ask> {
  const { ask, input, case: name } = flags;
  const [{ askOfCase }, { readYamlFile }, { isFacts }] = await Promise.all([
    import("../workbench/ask.ts"),
    import("../workbench/yaml-file.ts"),
    import("../workbench/facts.ts"),
  ]);
  if (name !== undefined && ask === undefined && input === undefined) return askOfCase(project, name);
  if (ask === undefined || name !== undefined)
    throw new Fault(
      "request_invalid",
      "say what to ask: `--case ID`, or `--ask ENTRYPOINT` with `--input FILE`",
    );
  if (input === undefined) return { entrypoint: ask, facts: {} };
  const { value } = readYamlFile(input, readFileOf("--input", input).toString("utf8"));
  if (!isFacts(value)) throw new Fault("request_invalid", `\`${input}\` holds no object of facts`);
  return { entrypoint: ask, facts: value };
}

/** Opens the project, reads the question and asks it. */
export async function askAs(
  folder: string,
  flags: AskFlags,
): Promise<{ readonly project: PolicyProject; readonly told: Told }> {
  const [{ askPolicy }, { needOpa }, { openProject }] = await Promise.all([
    import("../workbench/ask.ts"),
    import("../workbench/opa.ts"),
    import("../workbench/project.ts"),
  ]);
  const project = openProject(folder);
  return { project, told: await askPolicy(needOpa(), project, await readAsk(project, flags)) };
}
