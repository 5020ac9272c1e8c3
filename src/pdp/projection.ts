/** Projection: an entrypoint's input schema, compiled to a function that passes exactly the declared facts. */

/** The subset of JSON Schema (2020-12) that input schemas use. */
export interface InputSchema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, InputSchema>>;
  readonly required?: readonly string[];
  readonly items?: InputSchema;
  readonly additionalProperties?: InputSchema | boolean;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly description?: string;
}

/** A mandatory fact is missing or a fact has the wrong type. `path` is dotted, as in the policy input. */
export class FactDefect {
  readonly path: string;
  readonly problem: "missing" | "mistyped";

  constructor(path: string, problem: "missing" | "mistyped") {
    this.path = path;
    this.problem = problem;
  }
}

/** Returns the projected copy of a value; throws {@link FactDefect}. */
export type Projector = (value: unknown) => unknown;

const keywords = new Set([
  "$schema",
  "$id",
  "title",
  "description",
  "type",
  "properties",
  "required",
  "items",
  "additionalProperties",
  "default",
  "enum",
  "minimum",
  "maximum",
  "maxLength",
]);

/** Compiles one schema. Throws a string-free `Error` for a keyword or type it does not know: never ignore one. */
export function compileProjection(schema: InputSchema, path = ""): Projector {
  for (const keyword of Object.keys(schema)) {
    if (!keywords.has(keyword))
      throw new Error(`unsupported schema keyword \`${keyword}\` at \`${path || "/"}\``);
  }
  const types = typeof schema.type === "string" ? [schema.type] : (schema.type ?? []);
  const nullable = types.includes("null");
  const project = byTypes(
    types.filter((type) => type !== "null"),
    schema,
    path,
  );
  const allowed = schema.enum === undefined ? undefined : new Set(schema.enum);
  return (value) => {
    if (value === null && nullable) return null;
    if (allowed !== undefined && !allowed.has(value)) throw new FactDefect(path, "mistyped");
    return project(value);
  };
}

function byTypes(types: readonly string[], schema: InputSchema, path: string): Projector {
  const each = types.map((type) => byType(type, schema, path));
  const [only] = each;
  if (each.length === 1 && only !== undefined) return only;
  if (each.length === 0) throw new Error(`schema at \`${path || "/"}\` names no type`);
  return (value) => {
    for (const project of each) {
      try {
        return project(value);
      } catch (thrown) {
        if (!(thrown instanceof FactDefect)) throw thrown;
        // A defect below this level is the real one; one of this level means: not this type.
        if (thrown.path !== path) throw thrown;
      }
    }
    throw new FactDefect(path, "mistyped");
  };
}

function byType(type: string, schema: InputSchema, path: string): Projector {
  switch (type) {
    case "object":
      return objectProjector(schema, path);
    case "array":
      return arrayProjector(schema, path);
    case "string":
      return stringProjector(schema.maxLength ?? Number.POSITIVE_INFINITY, path);
    case "integer":
    case "number":
      return numberProjector(type, schema, path);
    case "boolean":
      return (value) => {
        if (typeof value !== "boolean") throw new FactDefect(path, "mistyped");
        return value;
      };
    default:
      throw new Error(`unsupported schema type \`${type}\` at \`${path || "/"}\``);
  }
}

function stringProjector(maxLength: number, path: string): Projector {
  return (value) => {
    if (typeof value !== "string" || value.length > maxLength || !value.isWellFormed()) {
      throw new FactDefect(path, "mistyped");
    }
    return value;
  };
}

function numberProjector(type: "integer" | "number", schema: InputSchema, path: string): Projector {
  const least = schema.minimum ?? Number.NEGATIVE_INFINITY;
  const most = schema.maximum ?? Number.POSITIVE_INFINITY;
  const whole = type === "integer";
  return (value) => {
    if (typeof value !== "number" || value < least || value > most) throw new FactDefect(path, "mistyped");
    if (whole ? !Number.isSafeInteger(value) : !Number.isFinite(value))
      throw new FactDefect(path, "mistyped");
    return value;
  };
}

function arrayProjector(schema: InputSchema, path: string): Projector {
  if (schema.items === undefined) throw new Error(`array schema at \`${path}\` has no items`);
  const item = compileProjection(schema.items, `${path}.*`);
  return (value) => {
    if (!Array.isArray(value)) throw new FactDefect(path, "mistyped");
    return value.map(item);
  };
}

interface Field {
  readonly name: string;
  readonly path: string;
  readonly required: boolean;
  readonly fallback: unknown;
  readonly project: Projector;
}

function objectProjector(schema: InputSchema, path: string): Projector {
  const required = new Set(schema.required ?? []);
  const fields: Field[] = Object.entries(schema.properties ?? {}).map(([name, child]) => {
    const childPath = path === "" ? name : `${path}.${name}`;
    return {
      name,
      path: childPath,
      required: required.has(name),
      fallback: child.default,
      project: compileProjection(child, childPath),
    };
  });
  for (const name of required) {
    if (schema.properties?.[name] === undefined) {
      throw new Error(`schema at \`${path || "/"}\` requires \`${name}\` but does not describe it`);
    }
  }
  const rest =
    typeof schema.additionalProperties === "object"
      ? compileProjection(schema.additionalProperties, `${path}.*`)
      : undefined;
  const known = new Set(fields.map((field) => field.name));
  return (value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw new FactDefect(path, "mistyped");
    const source = value as Record<string, unknown>;
    const out: Record<string, unknown> = {};
    for (const field of fields) {
      const given = Object.hasOwn(source, field.name) ? source[field.name] : undefined;
      if (given !== undefined) out[field.name] = field.project(given);
      else if (field.fallback !== undefined) out[field.name] = field.fallback;
      else if (field.required) throw new FactDefect(field.path, "missing");
    }
    if (rest !== undefined) {
      for (const name of Object.keys(source)) {
        if (!known.has(name) && source[name] !== undefined) out[name] = rest(source[name]);
      }
    }
    return out;
  };
}

/** An entrypoint's input, part by part: `request`, `credential`, `device`... each with its own projector. */
export interface InputProjection {
  readonly parts: ReadonlyMap<string, Projector>;
  /** Names of the fields of `request` that the entrypoint reads. */
  readonly requestFields: ReadonlySet<string>;
}

/** Compiles the schema of one entrypoint. The top level names the parts; `now` and `registry` are the host's. */
export function compileInput(schema: InputSchema): InputProjection {
  const parts = new Map<string, Projector>();
  for (const [name, part] of Object.entries(schema.properties ?? {})) {
    if (name === "now" || name === "registry") continue;
    parts.set(name, compileProjection(part, name));
  }
  return { parts, requestFields: new Set(Object.keys(schema.properties?.["request"]?.properties ?? {})) };
}
