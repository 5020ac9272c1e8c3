/** Bundle archives as scripts and tests read them: contents by path with OPA's leading slash. */
import { gunzipSync } from "node:zlib";
import { extract } from "tar-stream";

/** File contents by path, as in `/policy.wasm`. */
export type Files = ReadonlyMap<string, Buffer>;

/** The files of a gzipped tar. */
export async function readArchive(archive: Buffer): Promise<Files> {
  const files = new Map<string, Buffer>();
  const tar = extract();
  tar.end(gunzipSync(archive));
  for await (const entry of tar) {
    const parts: Buffer[] = [];
    for await (const part of entry) parts.push(part as Buffer);
    files.set(
      entry.header.name.startsWith("/") ? entry.header.name : `/${entry.header.name}`,
      Buffer.concat(parts),
    );
  }
  return files;
}
