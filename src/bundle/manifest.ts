/** `.manifest`: OPA's, with what this service adds under `metadata.sallyport`. */
import { Fault } from "../runtime/fault.ts";
import type { JsonSchema } from "./bundle.ts";

/** Versions of the contract between policies and host that this service keeps. */
const contracts: readonly number[] = [1];

/** Entrypoints that take no input, hence have no schema. */
const inputless: ReadonlySet<string> = new Set(["sallyport/cuts"]);

/** What this service reads of a manifest. */
export interface Manifest {
  readonly revision: string;
  /** Paths that the bundle owns; empty: everything, which is what their absence means to OPA. */
  readonly roots: readonly string[];
  readonly entrypoints: readonly string[];
  /** Path of the one Wasm module. */
  readonly module: string;
  readonly contract: number;
  readonly sequence: number;
  readonly schemas: Readonly<Record<string, JsonSchema>>;
  /** When it should have been replaced, unix seconds; absent: never. */
  readonly expires_at: number | undefined;
  /** Digest of the sources it was compiled from, and the compiler; empty where not stated. */
  readonly sources: string;
  readonly built_with: string;
}

const invalid = (message: string): Fault => new Fault("bundle_invalid", `the bundle manifest ${message}`);

/** Values of a manifest by dotted path, each of the kind that is asked for or refused. */
class Fields {
  readonly #value: unknown;

  constructor(value: unknown) {
    this.#value = value;
  }

  get<T>(path: string, kind: string, fits: (value: unknown) => value is T): T {
    let value = this.#value;
    for (const step of path.split("."))
      value = isObject(value) && Object.hasOwn(value, step) ? value[step] : undefined;
    if (fits(value)) return value;
    throw invalid(`needs ${kind} at \`${path}\``);
  }
}

const isObject = (value: unknown): value is JsonSchema =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isMoment = (value: unknown): value is number | undefined => value === undefined || isCount(value);
const isName = (value: unknown): value is string => typeof value === "string" && value !== "";
const isText = (value: unknown): value is string | undefined =>
  value === undefined || typeof value === "string";
const isRoots = (value: unknown): value is string[] | undefined =>
  value === undefined || (Array.isArray(value) && value.every((root) => typeof root === "string"));
const isSchemas = (value: unknown): value is Record<string, JsonSchema> =>
  isObject(value) && Object.values(value).every(isObject);
const isModules = (value: unknown): value is { entrypoint: string; module: string }[] =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every((entry) => isObject(entry) && isName(entry["entrypoint"]) && isName(entry["module"]));

/**
 * Checks a manifest: complete, of a known contract, one module, a schema for each entrypoint.
 * @throws Fault `bundle_invalid` that names the first thing that is wrong
 */
export function readManifest(value: unknown): Manifest {
  const fields = new Fields(value);
  const revision = fields.get("revision", "a text that is not empty", isName);
  const roots = fields.get("roots", "a list of texts", isRoots) ?? [""];
  const modules = fields.get("wasm", "a list of entrypoints with their module", isModules);
  const contract = fields.get("metadata.sallyport.contract", "a whole number", isCount);
  if (!contracts.includes(contract)) {
    throw invalid(`has contract version ${contract}, this service knows ${contracts.join(", ")}`);
  }
  const sequence = fields.get("metadata.sallyport.sequence", "a whole number", isCount);
  const schemas = fields.get("metadata.sallyport.schemas", "an object of schemas", isSchemas);
  const sources = fields.get("metadata.sallyport.sources", "a text", isText) ?? "";
  const built_with = fields.get("metadata.sallyport.built_with", "a text", isText) ?? "";
  const expires_at = fields.get("metadata.sallyport.expires_at", "unix seconds", isMoment);
  const [module = "", ...others] = new Set(modules.map((entry) => entry.module));
  if (others.length > 0) throw invalid("names more than one wasm module");
  const entrypoints = modules.map(({ entrypoint }) => entrypoint);
  for (const entrypoint of entrypoints) {
    if (!entrypoint.startsWith("sallyport/") || inputless.has(entrypoint)) continue;
    if (Object.hasOwn(schemas, entrypoint.slice("sallyport/".length))) continue;
    throw invalid(`has no input schema for \`${entrypoint}\``);
  }
  return {
    revision,
    roots,
    entrypoints,
    module,
    contract,
    sequence,
    schemas,
    expires_at,
    sources,
    built_with,
  };
}

/** Whether `path` (`a/b`) lies at or below one of the roots. */
export function isOwned(path: string, roots: readonly string[]): boolean {
  return roots.some((root) => root === "" || path === root || path.startsWith(`${root}/`));
}
