import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { Sink } from "./sink.ts";

/** Where a file sink writes and when it rotates. */
export interface FileSinkOptions {
  /** The current file; older ones are `path.1` (the newest) to `path.<keep>`. Its folder is made when absent. */
  readonly path: string;
  /** Size at which the file is rotated, bytes. A single write that is larger still goes into one file. */
  readonly maxBytes: number;
  /** Rotated files kept; 0 keeps none. */
  readonly keep: number;
}

interface Current {
  readonly handle: FileHandle;
  /** Length of what counts as written, bytes. */
  size: number;
}

/** A sink that appends to a file and rotates it by size. It opens the file at the first write. */
export class FileSink implements Sink {
  readonly #options: FileSinkOptions;
  #current: Current | undefined;

  constructor(options: FileSinkOptions) {
    this.#options = options;
  }

  async write(lines: string): Promise<void> {
    const bytes = Buffer.from(lines);
    let current = (this.#current ??= await this.#open());
    if (current.size > 0 && current.size + bytes.length > this.#options.maxBytes) {
      await this.#rotate();
      current = this.#current = await this.#open();
    }
    try {
      await writeAll(current.handle, bytes);
      current.size += bytes.length;
    } catch (thrown) {
      await this.#takeBack(current);
      throw thrown;
    }
  }

  async close(): Promise<void> {
    const current = this.#current;
    this.#current = undefined;
    if (current === undefined) return;
    await current.handle.sync().catch(() => undefined);
    await current.handle.close();
  }

  /** Cuts off the part of a failed write that reached the file, which is opened anew for the next one. */
  async #takeBack({ handle, size }: Current): Promise<void> {
    this.#current = undefined;
    await handle.truncate(size).catch(() => undefined);
    await handle.close().catch(() => undefined);
  }

  /** Opens the file at its end; a line that a crash cut short is ended, so that the next one stands alone. */
  async #open(): Promise<Current> {
    const { path } = this.#options;
    await mkdir(dirname(path), { recursive: true });
    const handle = await open(path, "a+", 0o640);
    try {
      const { size } = await handle.stat();
      const last = Buffer.alloc(1);
      if (size > 0) await handle.read(last, 0, 1, size - 1);
      if (size === 0 || last[0] === 0x0a) return { handle, size };
      await writeAll(handle, Buffer.from("\n"));
      return { handle, size: size + 1 };
    } catch (thrown) {
      await handle.close();
      throw thrown;
    }
  }

  async #rotate(): Promise<void> {
    const { path, keep } = this.#options;
    await this.close();
    await rm(keep === 0 ? path : `${path}.${keep}`, { force: true });
    for (let index = keep; index > 0; index -= 1) {
      const from = index === 1 ? path : `${path}.${index - 1}`;
      await rename(from, `${path}.${index}`).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "ENOENT") throw error;
      });
    }
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  let at = 0;
  while (at < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, at);
    at += bytesWritten;
  }
}
