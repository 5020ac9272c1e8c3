/** Signs a bundle that is already built. */
import type { KeyObject } from "node:crypto";
import { readArchive } from "./archive.ts";
import { type BundleLimits, defaultBundleLimits } from "./bundle.ts";
import { parseJson } from "./data.ts";
import { signaturesPath } from "./file-hashes.ts";
import { signFiles } from "./signatures.ts";
import { writeArchive } from "./write-archive.ts";

/**
 * The archive with a signature over all its files; one that was there is replaced. OPA verifies it with
 * `--verification-key`.
 * @param expiresAt unix seconds, written into the manifest; absent: as it is
 * @throws Fault `bundle_invalid`, `keyset_invalid`
 */
export async function signBundle(
  archive: Uint8Array,
  key: KeyObject,
  scope: string,
  expiresAt?: number,
  limits: BundleLimits = defaultBundleLimits,
): Promise<Buffer> {
  const files = new Map(await readArchive(archive, limits));
  if (expiresAt !== undefined) setExpiry(files, expiresAt);
  files.delete(signaturesPath);
  files.set(signaturesPath, Buffer.from(signFiles(files, key, scope)));
  return writeArchive(new Map([...files].map(([path, bytes]) => [`/${path}`, bytes])));
}

function setExpiry(files: Map<string, Uint8Array>, expiresAt: number): void {
  const manifest = parseJson(".manifest", files.get(".manifest") ?? Buffer.from("{}")) as {
    metadata?: { sallyport?: object };
  };
  const sallyport = { ...manifest.metadata?.sallyport, expires_at: expiresAt };
  const changed = { ...manifest, metadata: { ...manifest.metadata, sallyport } };
  files.set(".manifest", Buffer.from(JSON.stringify(changed)));
}
