/** Bundle archives with the same bytes for the same contents: fixed order, owner, mode and time. */
import { gunzipSync, gzipSync } from "node:zlib";
import { extract, pack } from "tar-stream";

/** File contents by path, as in `/policy.wasm`. */
export type Files = ReadonlyMap<string, Buffer>;

/** A gzipped tar of the files, in the order of the map. */
export async function writeArchive(files: Files): Promise<Buffer> {
  const tar = pack();
  const epoch = new Date(0);
  for (const [name, bytes] of files)
    tar.entry({ name, mode: 0o644, uid: 0, gid: 0, uname: "", gname: "", mtime: epoch }, bytes);
  tar.finalize();
  const parts: Buffer[] = [];
  for await (const part of tar) parts.push(part as Buffer);
  return gzipSync(Buffer.concat(parts), { level: 9 });
}

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
