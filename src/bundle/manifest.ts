/** `.manifest`: OPA's, with what this service adds under `metadata.sallyport`. */
import { z } from "zod";
import { Fault } from "../runtime/fault.ts";

/** Versions of the contract between policies and host that this service keeps. */
const contracts: ReadonlySet<number> = new Set([1]);

/** Entrypoints that take no input, hence have no schema. */
const inputless: ReadonlySet<string> = new Set(["cuts"]);

const ours = z.object({
  contract: z.int(),
  sequence: z.int().nonnegative(),
  schemas: z.record(z.string(), z.record(z.string(), z.unknown())),
  /** Digest of the sources it was compiled from. */
  sources: z.string().optional(),
  built_with: z.string().optional(),
});

const schema = z.object({
  revision: z.string().min(1),
  /** Paths that the bundle owns; OPA takes their absence for everything. */
  roots: z.array(z.string()).default([""]),
  wasm: z.array(z.object({ entrypoint: z.string().min(1), module: z.string() })).min(1),
  metadata: z.object({ sallyport: ours }),
});

/** A manifest that this service can work with. */
export type Manifest = z.infer<typeof schema>;

const invalid = (message: string): Fault => new Fault("bundle_invalid", `the bundle manifest ${message}`);

/**
 * Checks a manifest: complete, of a known contract, one module, a schema for each entrypoint.
 * @throws Fault `bundle_invalid`
 */
export function checkManifest(value: unknown): Manifest {
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0] as z.core.$ZodIssue;
    throw invalid(`is wrong at \`${path.join(".")}\`: ${message.toLowerCase()}`);
  }
  const manifest = parsed.data;
  const { contract, schemas } = manifest.metadata.sallyport;
  if (!contracts.has(contract)) {
    throw invalid(`has contract version ${contract}, this service knows ${[...contracts].join(", ")}`);
  }
  if (new Set(manifest.wasm.map(({ module }) => module)).size > 1)
    throw invalid("names more than one wasm module");
  for (const { entrypoint } of manifest.wasm) {
    const [folder, name = ""] = entrypoint.split("/");
    if (folder !== "sallyport" || inputless.has(name)) continue;
    if (!Object.hasOwn(schemas, name)) throw invalid(`has no input schema for \`${entrypoint}\``);
  }
  return manifest;
}

/** Whether `path` (`a/b`) lies at or below one of the roots. */
export function isOwned(path: string, roots: readonly string[]): boolean {
  return roots.some((root) => root === "" || path === root || path.startsWith(`${root}/`));
}
