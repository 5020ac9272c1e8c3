import { readFileSync } from "node:fs";
import { LineCounter, parseDocument } from "yaml";
import { Fault } from "../runtime/fault.ts";
import { isTree, type Tree } from "./tree.ts";

/** A YAML file that was read: its tree, and where in it an option stands. */
export interface YamlSource {
  readonly path: string;
  readonly tree: Tree;
  /** Line of the innermost part of `at` that the file has; `undefined` where it has none. */
  lineOf(at: readonly PropertyKey[]): number | undefined;
}

/**
 * Reads a YAML file. An empty file is an empty configuration.
 * @throws {Fault} `config_invalid` if it cannot be read, is not YAML, or is not a mapping.
 */
export function readYaml(path: string): YamlSource {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (thrown) {
    throw Fault.from(thrown, "config_invalid", `cannot read configuration file \`${path}\``);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const [error] = document.errors;
  if (error !== undefined) {
    const line = lines.linePos(error.pos[0]).line;
    throw new Fault(
      "config_invalid",
      `configuration file \`${path}\` is not YAML: line ${line}: ${error.message}`,
    );
  }
  const tree: unknown = document.toJS({ maxAliasCount: 20 }) ?? {};
  if (!isTree(tree)) {
    throw new Fault("config_invalid", `configuration file \`${path}\` must be a mapping of options`);
  }
  const lineOf = (at: readonly PropertyKey[]): number | undefined => {
    for (let length = at.length; length > 0; length -= 1) {
      const node = document.getIn(at.slice(0, length), true) as
        | { range?: [number, number, number] }
        | undefined;
      if (node?.range != null) return lines.linePos(node.range[0]).line;
    }
    return undefined;
  };
  return { path, tree, lineOf };
}
