/** A gzipped tar, read whole into memory; nothing is ever written to disk. */
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { extract } from "tar-stream";
import { Fault } from "../runtime/fault.ts";
import type { BundleLimits } from "./bundle.ts";

const blockBytes = 512;
/** A tar ends with two blocks of zeros (POSIX.1-2001, ustar). */
const endBytes = 2 * blockBytes;
// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing control characters is the point
const oddCharacters = /[\\\u0000-\u001f\u007f]/;

const invalid = (message: string, cause?: unknown): Fault =>
  new Fault("bundle_invalid", `the bundle archive ${message}`, cause === undefined ? {} : { cause });

/**
 * The files of an archive by path, without a leading slash (OPA writes one). Links, devices, paths that
 * leave the archive and paths that come twice are refused: readers differ on what they mean.
 * @throws Fault `bundle_invalid`
 */
export async function readArchive(
  archive: Uint8Array,
  limits: BundleLimits,
): Promise<ReadonlyMap<string, Uint8Array>> {
  if (archive.byteLength > limits.maxArchiveBytes) {
    throw invalid(`has ${archive.byteLength} bytes, ${limits.maxArchiveBytes} are allowed`);
  }
  const content = await decompress(archive, limits.maxContentBytes);
  const end = content.subarray(-endBytes);
  if (content.length % blockBytes !== 0 || end.length < endBytes || end.some((byte) => byte !== 0)) {
    throw invalid("is cut short, its tar has no end");
  }
  try {
    return await readTar(content, limits.maxFiles);
  } catch (error) {
    throw error instanceof Fault ? error : invalid("is not a whole tar", error);
  }
}

async function decompress(archive: Uint8Array, maxBytes: number): Promise<Buffer> {
  // `info` hands over the engine as well, which is more than the type of `gunzip` says.
  const inflate = promisify(gunzip) as unknown as (
    data: Uint8Array,
    options: { maxOutputLength: number; info: true },
  ) => Promise<{ buffer: Buffer; engine: { bytesWritten: number } }>;
  try {
    const { buffer, engine } = await inflate(archive, { maxOutputLength: maxBytes, info: true });
    if (engine.bytesWritten === archive.byteLength) return buffer;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ERR_BUFFER_TOO_LARGE") throw invalid(`unpacks to more than ${maxBytes} bytes`, error);
    if (code === "Z_BUF_ERROR") throw invalid("is cut short", error);
    throw invalid("is not gzip or is damaged", error);
  }
  throw invalid("goes on after its end");
}

async function readTar(content: Buffer, maxFiles: number): Promise<ReadonlyMap<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  const tar = extract();
  tar.end(content);
  let entries = 0;
  for await (const entry of tar) {
    const { name, type } = entry.header;
    if (++entries > maxFiles) throw invalid(`has more than ${maxFiles} files`);
    const parts: Uint8Array[] = [];
    for await (const part of entry) parts.push(part as Uint8Array);
    if (type === "directory") continue;
    if (type !== "file") throw invalid(`holds \`${name}\`, a ${type}, where only files may be`);
    const path = checkPath(name);
    if (files.has(path)) throw invalid(`holds \`${path}\` twice`);
    // Most often one piece of what was unpacked: not copied again.
    const [only] = parts;
    files.set(path, parts.length === 1 && only !== undefined ? only : Buffer.concat(parts));
  }
  return files;
}

function checkPath(name: string): string {
  const path = name.replace(/^(\.?\/)/, "");
  const steps = path.split("/");
  const safe =
    !oddCharacters.test(path) && steps.every((step) => step !== "" && step !== "." && step !== "..");
  if (safe) return path;
  throw invalid(`holds the path \`${name}\`, which does not stay inside`);
}
