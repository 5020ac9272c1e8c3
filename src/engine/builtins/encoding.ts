/** Encodings: hex, base64url, URL queries, YAML, JSON with options. */
import type * as yaml from "yaml";
import { jsonText, type Term, termToJson } from "../term.ts";
import type { BuiltinTable } from "./builtin.ts";
import { library } from "./library.ts";
import { flag, fromJson, isMap, map, mapOf, members, text } from "./operands.ts";

const escaped = (value: string): string =>
  encodeURIComponent(value)
    .replace(/[!'()*]/g, (symbol) => `%${symbol.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%20", "+");

/** @throws URIError for a broken escape */
const unescaped = (value: string): string => decodeURIComponent(value.replaceAll("+", " "));

function decodeObject(query: string): Term {
  const values = new Map<string, string[]>();
  for (const pair of query.split("&").filter((part) => part !== "")) {
    if (pair.includes(";")) throw new TypeError("a semicolon in a query");
    const [name, value = ""] = pair.split(/=(.*)/s, 2) as [string, string?];
    const key = unescaped(name);
    values.set(key, [...(values.get(key) ?? []), unescaped(value)]);
  }
  return mapOf(values);
}

function encodeObject(object: Term | undefined): string {
  const pairs = Array.from(map(object), ([key, value]): [string, readonly string[]] => [
    text(key),
    typeof value === "string" ? [value] : members(value).map(text),
  ]);
  return pairs
    .flatMap(([key, values]) => values.map((value) => `${escaped(key)}=${escaped(value)}`))
    .join("&");
}

/** Go's `json.Indent`. */
function indented(term: Term, prefix: string, indent: string, depth: number): string {
  if (term === null || typeof term !== "object" || !(isMap(term) || Symbol.iterator in term))
    return jsonText(term);
  const line = `\n${prefix}${indent.repeat(depth + 1)}`;
  const parts = isMap(term)
    ? Array.from(
        term,
        ([key, value]) =>
          `${jsonText(typeof key === "string" ? key : jsonText(key))}: ${indented(value, prefix, indent, depth + 1)}`,
      )
    : Array.from(term as Iterable<Term>, (part) => indented(part, prefix, indent, depth + 1));
  const [open, close] = isMap(term) ? "{}" : "[]";
  return parts.length === 0
    ? `${open}${close}`
    : `${open}${line}${parts.join(`,${line}`)}\n${prefix}${indent.repeat(depth)}${close}`;
}

function marshal(term: Term, options: Term | undefined): string {
  let prefix = "";
  let indent = "\t";
  let pretty = false;
  let said: boolean | undefined;
  for (const [key, value] of map(options)) {
    if (key === "pretty") said = flag(value);
    else if (key === "prefix") prefix = text(value);
    else if (key === "indent") indent = text(value);
    else throw new TypeError("an unknown option");
    pretty = true;
  }
  return (said ?? pretty) ? prefix + indented(term, prefix, indent, 0) : jsonText(term);
}

const yamlLibrary = library<typeof yaml>("yaml");
const yamlOptions = {
  version: "1.2",
  schema: "core",
  merge: true,
  uniqueKeys: true,
  logLevel: "error",
} as const;

/**
 * The first document of a YAML text, as Go reads it: those that follow must be sound, each behind `---`.
 * @throws where one is not
 */
function readYaml(source: string): unknown {
  const documents = yamlLibrary().parseAllDocuments(source, yamlOptions);
  if ("empty" in documents) return null;
  for (const [at, { errors, directives }] of documents.entries()) {
    if (errors[0] !== undefined) throw errors[0];
    if (at > 0 && directives.docStart !== true) throw new TypeError("a document without a beginning");
  }
  return documents[0]?.toJS() ?? null;
}

/** Builtins on encodings that the module lacks. */
export const encodingBuiltins: BuiltinTable = {
  "hex.encode": (value) => Buffer.from(text(value)).toString("hex"),
  "hex.decode": (value) => {
    if (!/^(?:[0-9a-fA-F]{2})*$/.test(text(value))) return undefined;
    return Buffer.from(text(value), "hex").toString();
  },
  "base64url.encode_no_pad": (value) => Buffer.from(text(value)).toString("base64url"),
  "urlquery.encode": (value) => escaped(text(value)),
  "urlquery.decode": (value) => unescaped(text(value)),
  "urlquery.encode_object": encodeObject,
  "urlquery.decode_object": (query) => decodeObject(text(query)),
  "json.marshal_with_options": (value, options) => marshal(value as Term, options),
  "yaml.marshal": (value) =>
    yamlLibrary().stringify(termToJson(value as Term), {
      sortMapEntries: true,
      lineWidth: 0,
      indentSeq: false,
    }),
  "yaml.unmarshal": (value) => fromJson(readYaml(text(value))),
  "yaml.is_valid": (value) => {
    if (typeof value !== "string") return false;
    try {
      readYaml(value);
      return true;
    } catch {
      return false;
    }
  },
};
