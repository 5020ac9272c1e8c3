/** The sources that a bundle is built from, and their digest, in plain Node. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** One source file: its path below `policies/` with forward slashes, and its bytes. */
export interface Source {
  readonly path: string;
  readonly bytes: Buffer;
}

const counts = /(?<!_test)\.rego$|^data\.yaml$|^schemas\/[a-z]+\.json$/;

/** Every file whose change changes the bundle, sorted by path: Rego without its tests, data, schemas. */
export function policySources(policies: string): readonly Source[] {
  return readdirSync(policies, { recursive: true, encoding: "utf8" })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => counts.test(path))
    .sort()
    .map((path) => ({ path, bytes: readFileSync(join(policies, path)) }));
}

/** sha256 over paths and contents, hex. Line ends are taken as LF, as the repository holds them. */
export function sourcesDigest(sources: readonly Source[]): string {
  const hash = createHash("sha256");
  for (const { path, bytes } of sources) {
    const content = bytes.toString("utf8").replaceAll("\r\n", "\n");
    hash.update(`${path}\0${Buffer.byteLength(content)}\0${content}`);
  }
  return hash.digest("hex");
}
