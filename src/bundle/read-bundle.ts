/** From bytes to a bundle that is whole, in named steps. */
import { createHash } from "node:crypto";
import { Fault } from "../runtime/fault.ts";
import { readArchive } from "./archive.ts";
import { type Bundle, type BundleLimits, defaultBundleLimits } from "./bundle.ts";
import { joinData, parseJson } from "./data.ts";
import { readManifest } from "./manifest.ts";

const manifestPath = ".manifest";
const modulePath = "policy.wasm";

/**
 * Reads a bundle of `opa build -t wasm`. What comes back is whole and fits the contract; whether its
 * module can be evaluated is for the engine to say.
 * @throws Fault `bundle_invalid` that says what is wrong
 */
export async function readBundle(archive: Uint8Array, limits: Partial<BundleLimits> = {}): Promise<Bundle> {
  const files = await readArchive(archive, { ...defaultBundleLimits, ...limits });
  const manifest = parseJson(manifestPath, file(files, manifestPath));
  const { revision, roots, entrypoints, module, contract, sequence, schemas, expires_at } =
    readManifest(manifest);
  if (module.replace(/^\//, "") !== modulePath) {
    throw new Fault(
      "bundle_invalid",
      `the bundle manifest names the module \`${module}\`, not \`${modulePath}\``,
    );
  }
  return Object.freeze({
    revision,
    sequence,
    digest: createHash("sha256").update(archive).digest("hex"),
    wasm: file(files, modulePath),
    data: joinData(files, roots),
    entrypoints,
    schemas,
    expiresAt: expires_at,
    contract,
    files,
    manifest,
    sizeBytes: archive.byteLength,
  });
}

function file(files: ReadonlyMap<string, Uint8Array>, path: string): Uint8Array {
  const bytes = files.get(path);
  if (bytes !== undefined) return bytes;
  throw new Fault("bundle_invalid", `the bundle has no \`${path}\`, build it with \`opa build -t wasm\``);
}
