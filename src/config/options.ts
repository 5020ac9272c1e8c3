import * as z from "zod";
import { configSchema } from "./schema.ts";

/** One option or section as the documentation and the environment know it. */
export interface Option {
  /** `grpc.listen`; members of list entries as `peers[].name`, values of maps as `….*`. */
  readonly path: string;
  readonly kind: "section" | "string" | "integer" | "number" | "boolean" | "list" | "map";
  readonly description: string;
  readonly required: boolean;
  /** Absent where there is none. */
  readonly default?: unknown;
  readonly choices?: readonly string[];
  /** Inclusive bounds of a number. */
  readonly bounds?: readonly [number, number];
  /** Whether its value is the path of a file or folder. */
  readonly file: boolean;
  /** Whether a list holds plain words, so that a variable can give them with commas. */
  readonly words: boolean;
  /** Variable that sets it; absent inside lists and for sections. */
  readonly variable?: string;
}

interface Node {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  const?: unknown;
  minimum?: number;
  maximum?: number;
  properties?: Record<string, Node>;
  required?: string[];
  items?: Node;
  additionalProperties?: Node | boolean;
  file?: boolean;
}

function kindOf(node: Node): Option["kind"] {
  if (node.type === "object") return node.properties === undefined ? "map" : "section";
  if (node.type === "array") return "list";
  if (node.type === "integer" || node.type === "number" || node.type === "boolean") return node.type;
  return "string";
}

function describe(node: Node, path: string, required: boolean): Option {
  const kind = kindOf(node);
  const choices = node.enum ?? node.items?.enum;
  const settable = !path.includes("[]") && kind !== "section";
  return {
    path,
    kind,
    description: node.description ?? "",
    required,
    file: node.file === true,
    words: node.items?.type === "string",
    ...(node.default !== undefined && kind !== "section" ? { default: node.default } : {}),
    ...(choices !== undefined ? { choices: choices.map(String) } : {}),
    ...(node.minimum !== undefined && node.maximum !== undefined
      ? { bounds: [node.minimum, node.maximum] as const }
      : {}),
    ...(settable ? { variable: `SALLYPORT_${path.replaceAll(".", "_").toUpperCase()}` } : {}),
  };
}

function walk(node: Node, path: string, into: Option[]): void {
  for (const [key, child] of Object.entries(node.properties ?? {})) {
    const at = path === "" ? key : `${path}.${key}`;
    into.push(describe(child, at, node.required?.includes(key) === true));
    if (child.type === "object") walk(child, at, into);
    else if (child.items?.type === "object") walk(child.items, `${at}[]`, into);
  }
}

/** Every option and section, in the order of the schema. */
export function listOptions(): readonly Option[] {
  const options: Option[] = [];
  walk(z.toJSONSchema(configSchema, { io: "input", unrepresentable: "any" }) as Node, "", options);
  return options;
}
