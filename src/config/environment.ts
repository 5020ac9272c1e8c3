import { parse } from "yaml";
import { Fault } from "../runtime/fault.ts";
import { nearest } from "./nearest.ts";
import type { Option } from "./options.ts";
import { setAt, type Tree } from "./tree.ts";

/** The value of an option given as text: a list of words by commas, anything but a string as YAML (so also JSON). */
function readValue(option: Option, text: string, name: string): unknown {
  if (option.kind === "string") return text;
  if (option.words && !text.trim().startsWith("[")) {
    return text
      .split(",")
      .map((word) => word.trim())
      .filter((word) => word !== "");
  }
  try {
    return parse(text) as unknown;
  } catch (thrown) {
    throw Fault.from(thrown, "config_invalid", `cannot read the value of \`${name}\``);
  }
}

/**
 * Options from variables named `SALLYPORT_<PATH>`; an empty variable counts as absent.
 * @throws {Fault} `config_invalid` for a `SALLYPORT_*` variable that is neither an option nor in `others`.
 */
export function readEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  options: readonly Option[],
  others: readonly string[],
): Tree {
  const byVariable = new Map(
    options.flatMap((option) => (option.variable ? [[option.variable, option]] : [])),
  );
  const tree: Tree = {};
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith("SALLYPORT_") || text === undefined || text === "" || others.includes(name))
      continue;
    const option = byVariable.get(name);
    if (option === undefined) {
      const hint = nearest(name, [...byVariable.keys(), ...others]);
      const advice = hint === undefined ? "unset it" : `did you mean \`${hint}\`?`;
      throw new Fault("config_invalid", `environment variable \`${name}\` is no option; ${advice}`);
    }
    setAt(tree, option.path, readValue(option, text, name));
  }
  return tree;
}

/**
 * Options given by path on the command line.
 * @throws {Fault} `config_invalid` for a path that is no option.
 */
export function readFlags(
  flags: Readonly<Record<string, string | boolean>>,
  options: readonly Option[],
): Tree {
  const byPath = new Map(options.flatMap((option) => (option.variable ? [[option.path, option]] : [])));
  const tree: Tree = {};
  for (const [path, value] of Object.entries(flags)) {
    const option = byPath.get(path);
    if (option === undefined) {
      const hint = nearest(path, [...byPath.keys()]);
      const advice = hint === undefined ? "see `docs/configuration.md`" : `did you mean \`${hint}\`?`;
      throw new Fault("config_invalid", `\`${path}\` is no option; ${advice}`);
    }
    setAt(tree, path, typeof value === "string" ? readValue(option, value, path) : value);
  }
  return tree;
}
