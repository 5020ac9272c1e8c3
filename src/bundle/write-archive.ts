/** Bundle archives with the same bytes for the same contents. */
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";

/** A gzipped tar of the files in the order of the map, with one owner, mode and time for all. */
export async function writeArchive(files: ReadonlyMap<string, Uint8Array>): Promise<Buffer> {
  const tar = pack();
  const epoch = new Date(0);
  for (const [name, bytes] of files) {
    const header = { name, mode: 0o644, uid: 0, gid: 0, uname: "", gname: "", mtime: epoch };
    tar.entry(header, Buffer.from(bytes));
  }
  tar.finalize();
  const parts: Buffer[] = [];
  for await (const part of tar) parts.push(part as Buffer);
  return gzipSync(Buffer.concat(parts), { level: 9 });
}
