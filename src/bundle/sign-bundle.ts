/** Signs a bundle that is already built. */
import type { KeyObject } from "node:crypto";
import { readArchive } from "./archive.ts";
import { type BundleLimits, defaultBundleLimits } from "./bundle.ts";
import { signaturesPath } from "./file-hashes.ts";
import { signFiles } from "./signatures.ts";
import { writeArchive } from "./write-archive.ts";

/**
 * The archive with a signature over all its files; one that was there is replaced. OPA verifies it with
 * `--verification-key`.
 * @throws Fault `bundle_invalid`, `keyset_invalid`
 */
export async function signBundle(
  archive: Uint8Array,
  key: KeyObject,
  scope: string,
  limits: BundleLimits = defaultBundleLimits,
): Promise<Buffer> {
  const files = new Map(await readArchive(archive, limits));
  files.delete(signaturesPath);
  files.set(signaturesPath, Buffer.from(signFiles(files, key, scope)));
  return writeArchive(new Map([...files].map(([path, bytes]) => [`/${path}`, bytes])));
}
