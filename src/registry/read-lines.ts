/** Splits a file into lines without ever holding more than one of them beyond a chunk. */
import type { FileHandle } from "node:fs/promises";

/** Bytes read at once: some five milliseconds of work. */
const chunkBytes = 128 * 1024;
/** Longest line that is kept; of a longer one only the fact is reported. */
export const maxLineBytes: number = 1024 * 1024;

/** A line without its newline. */
export interface Line {
  /** From 1. */
  readonly number: number;
  /** Empty for a line that is too long. */
  readonly bytes: Buffer;
  readonly tooLong: boolean;
  /** Whether a newline followed; only the last line may lack it. */
  readonly ended: boolean;
}

/** The lines of `file`, chunk by chunk. */
export function readLines(file: FileHandle): AsyncGenerator<readonly Line[]> {
  return splitLines(readChunks(file));
}

async function* readChunks(file: FileHandle): AsyncGenerator<Buffer> {
  for (;;) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(chunkBytes), 0, chunkBytes);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

/** The lines of `chunks`, chunk by chunk. */
export async function* splitLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<readonly Line[]> {
  let number = 0;
  let rest: Buffer = Buffer.alloc(0);
  let skipping = false;
  for await (const chunk of chunks) {
    const lines: Line[] = [];
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      const head = chunk.subarray(start, end);
      const bytes = rest.length === 0 ? head : Buffer.concat([rest, head]);
      const tooLong = skipping || bytes.length > maxLineBytes;
      lines.push({ number: ++number, bytes: tooLong ? Buffer.alloc(0) : bytes, tooLong, ended: true });
      rest = Buffer.alloc(0);
      skipping = false;
      start = end + 1;
    }
    if (!skipping) rest = Buffer.concat([rest, chunk.subarray(start)]);
    if (rest.length > maxLineBytes) {
      skipping = true;
      rest = Buffer.alloc(0);
    }
    yield lines;
  }
  if (rest.length > 0 || skipping)
    yield [{ number: number + 1, bytes: rest, tooLong: skipping, ended: false }];
}
