/** How long a file is, in lines: what a progress bar needs before the work begins. */
import { open } from "node:fs/promises";
import { Fault } from "../runtime/fault.ts";

const newline = 0x0a;

/** Counts the lines of a file. @throws Fault `request_invalid` where it cannot be read */
export async function countLines(path: string): Promise<number> {
  const file = await open(path).catch((error: unknown) => {
    throw new Fault("request_invalid", `the fleet file \`${path}\` cannot be read`, { cause: error });
  });
  try {
    let count = 0;
    const block = Buffer.allocUnsafe(1 << 20);
    for (;;) {
      const { bytesRead } = await file.read(block, 0, block.length);
      if (bytesRead === 0) return count;
      for (let at = block.indexOf(newline); at >= 0 && at < bytesRead; at = block.indexOf(newline, at + 1))
        count++;
    }
  } finally {
    await file.close();
  }
}
