/** JSON documents: patches and schemas. */
import type * as ajv from "ajv";
import type { Ajv, ErrorObject } from "ajv";
import { type Term, termToJson } from "../term.ts";
import type { BuiltinTable } from "./builtin.ts";
import { library } from "./library.ts";
import { array, equal, get, isArray, isMap, isSet, map, mapOf, setOf, text } from "./operands.ts";

function path(term: Term | undefined): readonly Term[] {
  if (isArray(term)) return term;
  if (text(term) === "") return [];
  const trimmed = text(term).replace(/^\/+/, "");
  return trimmed.split("/").map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function index(list: readonly Term[], key: Term, beyond: boolean): number {
  if (beyond && key === "-") return list.length;
  const at =
    typeof key === "number"
      ? key
      : typeof key === "string" && /^(0|[1-9]\d*)$/.test(key)
        ? Number(key)
        : Number.NaN;
  if (!Number.isInteger(at) || at < 0 || at >= list.length + (beyond ? 1 : 0))
    throw new RangeError("no such index");
  return at;
}

function read(document: Term, [key, ...rest]: readonly Term[]): Term {
  if (key === undefined) return document;
  let child: Term | undefined;
  if (isMap(document)) child = get(document, key);
  else if (isArray(document)) child = document[index(document, key, false)];
  else if (isSet(document)) child = [...document].find((item) => equal(item, key));
  if (child === undefined) throw new RangeError("no such path");
  return read(child, rest);
}

/** The document with `value` at a path; undefined removes what is there. */
function write(document: Term, [key, ...rest]: readonly Term[], value: Term | undefined): Term | undefined {
  if (key === undefined) return value;
  const child = rest.length === 0 ? value : write(read(document, [key]), rest, value);
  const leaf = rest.length === 0;
  if (isMap(document)) {
    if (value === undefined && leaf && get(document, key) === undefined) throw new RangeError("no such path");
    const others = [...document].filter(([name]) => !equal(name, key));
    return mapOf(child === undefined ? others : [...others, [key, child]]);
  }
  if (isArray(document)) {
    const at = index(document, key, leaf && value !== undefined);
    return document.toSpliced(
      at,
      leaf && value !== undefined ? 0 : 1,
      ...(child === undefined ? [] : [child]),
    );
  }
  if (!isSet(document)) throw new TypeError("not a collection");
  if (value === undefined && leaf) read(document, [key]);
  if (value !== undefined && leaf && !equal(key, value))
    throw new TypeError("a member of a set is its own path");
  const others = [...document].filter((item) => !equal(item, key));
  return setOf(child === undefined ? others : [...others, child]);
}

const present = (term: Term | undefined): Term => {
  if (term === undefined) throw new TypeError("an attribute is missing");
  return term;
};

function apply(document: Term, operation: Term): Term {
  const fields = map(operation);
  const at = path(present(fields.get("path")));
  const value = (): Term => present(fields.get("value"));
  const removed = (from: readonly Term[]): Term => {
    read(document, from);
    return write(document, from, undefined) ?? null;
  };
  switch (fields.get("op")) {
    case "add":
      return write(document, at, value()) as Term;
    case "remove":
      return removed(at);
    case "replace":
      return at.length === 0 ? value() : (write(removed(at), at, value()) as Term);
    case "copy":
      return write(document, at, read(document, path(present(fields.get("from"))))) as Term;
    case "move": {
      const from = path(present(fields.get("from")));
      const moved = read(document, from);
      return write(removed(from), at, moved) as Term;
    }
    case "test":
      if (!equal(read(document, at), value())) throw new TypeError("the test failed");
      return document;
    default:
      throw new TypeError("an unknown operation");
  }
}

const ajvLibrary = library<typeof ajv>("ajv");
const makeAjv = (): Ajv =>
  new (ajvLibrary().Ajv)({
    allErrors: true,
    verbose: true,
    strict: false,
    validateFormats: false,
    logger: false,
  });

/** A JSON text or an object. */
function document(term: Term | undefined): unknown {
  if (typeof term === "string") return JSON.parse(term) as unknown;
  if (isMap(term) || isArray(term)) return termToJson(term);
  throw new TypeError("wrong type, expected string or object");
}

function schema(term: Term | undefined): (value: unknown) => readonly ErrorObject[] {
  const parsed = document(term);
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
    throw new TypeError("a schema is an object");
  const { $schema: _dialect, ...rest } = parsed as Record<string, unknown>;
  const validate = makeAjv().compile(rest);
  return (value) => (validate(value) ? [] : (validate.errors ?? []));
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return typeof value === "number" && Number.isInteger(value) ? "integer" : typeof value;
}

function described({ instancePath, keyword, message, params, data }: ErrorObject): Term {
  const missing = (params as { missingProperty?: string }).missingProperty;
  const field =
    missing === undefined && instancePath !== "" ? instancePath.slice(1).replaceAll("/", ".") : "(root)";
  const { type } = params as { type?: unknown };
  const given = typeOf(data);
  const kind = keyword === "type" ? "invalid_type" : keyword;
  const desc =
    missing !== undefined
      ? `${missing} is required`
      : keyword === "type"
        ? `Invalid type. Expected: ${String(type)}, given: ${given}`
        : (message ?? keyword);
  return mapOf([
    ["desc", desc],
    ["error", `${field}: ${desc}`],
    ["field", field],
    ["type", kind],
  ]);
}

/** `json.*` that the module lacks. Schemas are the caller's: none is fetched. */
export const jsonBuiltins: BuiltinTable = {
  "json.patch": (value, operations) => array(operations).reduce<Term>(apply, value as Term),
  "json.match_schema": (value, wanted) => {
    const errors = schema(wanted)(document(value));
    return [errors.length === 0, errors.map(described)];
  },
  "json.verify_schema": (wanted) => {
    try {
      schema(wanted);
      return [true, null];
    } catch (error) {
      return [false, `jsonschema: ${(error as Error).message}`];
    }
  },
};
