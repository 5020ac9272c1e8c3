/** TLS material in files: read, checked, and read again when it changes. */
import { type FSWatcher, watch } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { createSecureContext } from "node:tls";
import { Fault } from "../runtime/fault.ts";

/** Paths of PEM files; `client_ca` makes client certificates mandatory. */
export interface TlsPaths {
  readonly cert: string;
  readonly key: string;
  readonly client_ca?: string;
}

/** PEM contents that were found to fit together. */
export interface TlsMaterial {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca: Buffer | undefined;
}

type Listener = (material: TlsMaterial) => void;

async function read(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (thrown) {
    throw Fault.from(thrown, "tls_invalid", `cannot read \`${file}\``);
  }
}

async function load(paths: TlsPaths): Promise<TlsMaterial> {
  const [cert, key] = await Promise.all([read(paths.cert), read(paths.key)]);
  const ca = paths.client_ca === undefined ? undefined : await read(paths.client_ca);
  try {
    createSecureContext(ca === undefined ? { cert, key } : { cert, key, ca });
  } catch (thrown) {
    throw Fault.from(thrown, "tls_invalid", `\`${paths.cert}\` and \`${paths.key}\` do not fit together`);
  }
  return { cert, key, ca };
}

function same(a: TlsMaterial, b: TlsMaterial): boolean {
  return (
    a.cert.equals(b.cert) &&
    a.key.equals(b.key) &&
    (a.ca?.equals(b.ca ?? Buffer.alloc(0)) ?? b.ca === undefined)
  );
}

/** Milliseconds between looks at the files where the system reports nothing. */
const pollMs = 5000;
/** A certificate and its key are replaced one after the other: wait for the second. */
const settleMs = 100;

/** Watches one set of files. New connections use the newest material that fits together; a bad change is refused. */
export class TlsFiles implements Disposable {
  readonly #paths: TlsPaths;
  readonly #onFault: (fault: Fault) => void;
  readonly #listeners = new Set<Listener>();
  readonly #watchers: FSWatcher[] = [];
  #poll: NodeJS.Timeout | undefined;
  #settling: NodeJS.Timeout | undefined;
  #material: TlsMaterial;
  #lastFault = "";

  private constructor(paths: TlsPaths, material: TlsMaterial, onFault: (fault: Fault) => void) {
    this.#paths = paths;
    this.#material = material;
    this.#onFault = onFault;
  }

  /** Reads the files and watches them. Throws `tls_invalid` if they are unusable now. */
  static async open(paths: TlsPaths, onFault: (fault: Fault) => void): Promise<TlsFiles> {
    const files = new TlsFiles(paths, await load(paths), onFault);
    files.#watch();
    return files;
  }

  /** What new connections use. */
  get material(): TlsMaterial {
    return this.#material;
  }

  /** Calls `listener` with each new material. Returns how to stop. */
  onChange(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Looks at the files now. */
  async reload(): Promise<void> {
    try {
      const material = await load(this.#paths);
      this.#lastFault = "";
      if (same(material, this.#material)) return;
      this.#material = material;
      for (const listener of this.#listeners) listener(material);
    } catch (thrown) {
      const fault = Fault.from(thrown, "tls_invalid", "TLS files cannot be read again");
      if (fault.message !== this.#lastFault) this.#onFault(fault);
      this.#lastFault = fault.message;
    }
  }

  #watch(): void {
    const files = [this.#paths.cert, this.#paths.key, this.#paths.client_ca].filter(
      (file) => file !== undefined,
    );
    // Folders are watched, not files: a renewal replaces them.
    for (const folder of new Set(files.map((file) => path.dirname(file)))) {
      const watcher = watch(folder, { persistent: false }, () => this.#soon());
      watcher.on("error", () => watcher.close());
      this.#watchers.push(watcher);
    }
    this.#poll = setInterval(() => void this.reload(), pollMs).unref();
  }

  #soon(): void {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => void this.reload(), settleMs).unref();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#poll);
    clearTimeout(this.#settling);
    for (const watcher of this.#watchers) watcher.close();
    this.#listeners.clear();
  }
}
