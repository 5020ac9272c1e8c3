/** About how many lines a file has, from a look at its beginning. */
import type { FileHandle } from "node:fs/promises";

const lookBytes = 64 * 1024;

/** 0: its beginning has no whole line. The position of the handle stays as it is. */
export async function expectedLines(file: FileHandle): Promise<number> {
  const { size } = await file.stat();
  const { buffer, bytesRead } = await file.read(Buffer.alloc(lookBytes), 0, lookBytes, 0);
  let lines = 0;
  let end = 0;
  for (let at = buffer.indexOf(10); at !== -1 && at < bytesRead; at = buffer.indexOf(10, at + 1)) {
    lines++;
    end = at + 1;
  }
  return lines === 0 ? 0 : Math.round((size / end) * lines);
}
