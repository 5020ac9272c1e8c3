/** A bundle in a few lines, for people. */
import type { Bundle, JsonSchema } from "./bundle.ts";
import { readManifest } from "./manifest.ts";

/** What a policy module says of itself; the engine reads it. */
export interface ModuleFacts {
  readonly entrypoints: readonly string[];
  /** Builtins that the host must supply. */
  readonly builtins: readonly string[];
  readonly abi: string;
  /** Pages of 64 KiB, before any data. */
  readonly memoryPages: number;
}

/** Plain and printable. Sizes are bytes. */
export interface BundleSummary {
  readonly revision: string;
  readonly sequence: number;
  readonly digest: string;
  readonly contract: number;
  readonly built_with: string;
  /** Digest of the sources it was compiled from. */
  readonly sources: string;
  readonly roots: readonly string[];
  readonly entrypoints: readonly string[];
  readonly builtins: readonly string[];
  readonly abi: string;
  readonly memory_pages: number;
  readonly sizes: { readonly archive: number; readonly wasm: number; readonly data: number };
  /** Facts that each entrypoint reads, as dotted paths; `*` for any key or item. Mandatory ones end in `!`. */
  readonly fields: Readonly<Record<string, readonly string[]>>;
}

/** Summarises a bundle; `inspectModule` is the engine's `inspectPolicy`. */
export function inspectBundle(
  bundle: Bundle,
  inspectModule: (wasm: Uint8Array) => ModuleFacts,
): BundleSummary {
  const manifest = readManifest(bundle.manifest);
  const module = inspectModule(bundle.wasm);
  const schemas = Object.entries(bundle.schemas).sort(([left], [right]) => (left < right ? -1 : 1));
  return {
    revision: bundle.revision,
    sequence: bundle.sequence,
    digest: bundle.digest,
    contract: bundle.contract,
    built_with: manifest.built_with,
    sources: manifest.sources,
    roots: manifest.roots,
    entrypoints: module.entrypoints,
    builtins: module.builtins,
    abi: module.abi,
    memory_pages: module.memoryPages,
    sizes: {
      archive: bundle.sizeBytes,
      wasm: bundle.wasm.byteLength,
      data: Buffer.byteLength(JSON.stringify(bundle.data)),
    },
    fields: Object.fromEntries(schemas.map(([name, schema]) => [name, fieldsOf(schema)])),
  };
}

/** Leaves only: an object that is described further is not a fact of its own. */
function fieldsOf(schema: JsonSchema, path = "", mandatory = true): string[] {
  const required = Array.isArray(schema["required"]) ? (schema["required"] as unknown[]) : [];
  const parts: [name: string, schema: JsonSchema, mandatory: boolean][] = [];
  for (const [name, part] of Object.entries(asSchema(schema["properties"]))) {
    parts.push([name, asSchema(part), required.includes(name)]);
  }
  for (const keyword of ["items", "additionalProperties"]) {
    const part = asSchema(schema[keyword]);
    if (Object.keys(part).length > 0) parts.push(["*", part, mandatory]);
  }
  if (parts.length === 0) return path === "" ? [] : [mandatory ? `${path}!` : path];
  return parts.flatMap(([name, part, must]) => fieldsOf(part, path === "" ? name : `${path}.${name}`, must));
}

const asSchema = (value: unknown): JsonSchema =>
  typeof value === "object" && value !== null ? (value as JsonSchema) : {};
