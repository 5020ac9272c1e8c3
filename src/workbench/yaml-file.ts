/** YAML files of an author, read so that every objection has a line. */
import { Ajv, type ErrorObject } from "ajv";
import { isNode, LineCounter, parseDocument, type YAMLError } from "yaml";
import { type Finding, policyFault } from "./finding.ts";

/** A parsed file that can say where a value stands. */
export interface YamlFile {
  readonly value: unknown;
  /** Row and column of the value at a path of keys and indexes; of the nearest parent where it has none. */
  readonly at: (path: readonly (string | number)[]) => { readonly row: number; readonly col: number };
}

/** Aliases may repeat a value this often before the file counts as a bomb. */
const maxAliasCount = 100;

/**
 * Parses a file and, given a JSON Schema, checks it.
 * @param file its name in findings
 * @throws Fault `policy_invalid` with every finding
 */
export function readYamlFile(file: string, text: string, schema?: object): YamlFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const placed = (offset: number): { row: number; col: number } => {
    const { line, col } = lines.linePos(offset);
    return { row: Math.max(line, 1), col: Math.max(col, 1) };
  };
  if (document.errors.length > 0) {
    throw policyFault(
      document.errors.map((error: YAMLError) => ({
        code: "yaml",
        file,
        ...placed(error.pos[0]),
        message: `this is no YAML: ${error.message}`,
        fix: "correct the syntax there",
      })),
    );
  }
  const at: YamlFile["at"] = (path) => {
    for (let length = path.length; length > 0; length--) {
      const node: unknown = document.getIn(path.slice(0, length), true);
      if (isNode(node) && node.range) return placed(node.range[0]);
    }
    return { row: 1, col: 1 };
  };
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount });
    JSON.stringify(value);
  } catch (thrown) {
    const circle = !String(thrown).includes("Excessive alias count");
    throw policyFault([
      {
        code: "yaml",
        file,
        row: 1,
        col: 1,
        message: circle
          ? "an alias stands inside the value that it names, so that the value never ends"
          : "aliases multiply this file beyond any use",
        fix: "write the values out",
      },
    ]);
  }
  if (schema !== undefined) {
    const found = objections(file, value, schema, at);
    if (found.length > 0) throw policyFault(found);
  }
  return { value, at };
}

const validators = new WeakMap<object, ReturnType<Ajv["compile"]>>();

function objections(file: string, value: unknown, schema: object, at: YamlFile["at"]): Finding[] {
  let validate = validators.get(schema);
  if (validate === undefined) {
    validate = new Ajv({ allErrors: true, verbose: true, allowUnionTypes: true }).compile(schema);
    validators.set(schema, validate);
  }
  if (validate(value)) return [];
  return (validate.errors ?? []).map((error) => {
    const path = stepsOf(error.instancePath);
    const unknown = error.params["additionalProperty"] as string | undefined;
    return {
      code: unknown === undefined ? "case-file" : "unknown-field",
      file,
      ...at(unknown === undefined ? path : [...path, unknown]),
      message: wordError(error, path, unknown),
      fix: unknown === undefined ? "write a value of that kind" : "correct its name, or remove it",
    };
  });
}

/** A JSON pointer as steps; numbers are indexes. */
function stepsOf(pointer: string): (string | number)[] {
  return pointer
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"))
    .map((step) => (/^\d+$/.test(step) ? Number(step) : step));
}

function wordError(
  error: ErrorObject,
  path: readonly (string | number)[],
  unknown: string | undefined,
): string {
  const where = path.length === 0 ? "the file" : `\`${path.join(".")}\``;
  if (unknown === undefined) {
    const allowed = (error.params["allowedValues"] as unknown[] | undefined)?.join(", ");
    return `${where} ${error.message ?? "is wrong"}${allowed === undefined ? "" : `: ${allowed}`}`;
  }
  const known = Object.keys((error.parentSchema as { properties?: object }).properties ?? {});
  return `${where} has the unknown field \`${unknown}\`; known are ${known.join(", ")}`;
}
