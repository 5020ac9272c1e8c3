/** A bundle in a file: read, watched, and read again when it is another. */
import { createHash } from "node:crypto";
import { type FSWatcher, watch } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { Fault } from "../runtime/fault.ts";
import { type BundleLimits, defaultBundleLimits } from "./bundle.ts";
import { type Letters, noLetters, readLetters } from "./letters.ts";
import type { Offer } from "./offer.ts";
import { readBundle } from "./read-bundle.ts";

/** Where the bundle is and who wants to know. */
export interface BundleFileOptions {
  readonly path: string;
  /**
   * Called with each bundle of a new digest, and again when the letters beside it changed, one at a time; what it
   * throws goes to `onFault`.
   */
  onOffer(offer: Offer): void | Promise<void>;
  /** Called once per broken state of the file: `bundle_missing` or `bundle_invalid`. What was given before stays in force. Must not throw. */
  onFault(fault: Fault): void;
  /** How often the file is looked at where the system reports nothing (network mounts). Default 2000. */
  readonly pollMs?: number;
  /** How long a broken file must stay as it is before it counts as broken and not half-written. Default 250. */
  readonly settleMs?: number;
  readonly limits?: Partial<BundleLimits>;
}

/** Where the letters of a bundle lie: beside it. */
export function lettersPathOf(path: string): string {
  return `${path}.letters.json`;
}

const maxLettersBytes = 1_048_576;

/** File source of bundles. Replace the file by renaming another over it; a slow copy is waited for. */
export class BundleFile implements AsyncDisposable {
  readonly #options: BundleFileOptions;
  readonly #settleMs: number;
  #watcher: FSWatcher | undefined;
  #poll: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #work: Promise<void> = Promise.resolve();
  #queued = false;
  #closed = false;
  /** State of the file that was last dealt with. */
  #settled = "";
  /** State that was found broken, may be half-written, and is given time; then the one whose time is up. */
  #suspect = "";
  #expired = "";
  #digest = "";
  #letters = "";

  constructor(options: BundleFileOptions) {
    this.#options = options;
    this.#settleMs = options.settleMs ?? 250;
  }

  /** Looks once, so that a good file has been handed over when this resolves, and watches from then on. */
  async start(): Promise<void> {
    this.#watch();
    this.#poll = setInterval(() => this.#look(), this.#options.pollMs ?? 2000);
    this.#poll.unref();
    this.#look();
    await this.#work;
  }

  /** Stops watching; a callback that runs is waited for, and none comes after. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#watcher?.close();
    clearInterval(this.#poll);
    clearTimeout(this.#retry);
    await this.#work;
  }

  /** The folder is watched, not the file: a file that is replaced takes its watch along. */
  #watch(): void {
    try {
      this.#watcher = watch(dirname(this.#options.path), { persistent: false }, () => this.#look());
      this.#watcher.on("error", () => this.#watcher?.close());
    } catch {
      // no folder yet, or no watches left: polling finds it
    }
  }

  /** One look at a time; events during one lead to one more. */
  #look(): void {
    if (this.#queued || this.#closed) return;
    this.#queued = true;
    this.#work = this.#work.then(async () => {
      this.#queued = false;
      if (this.#closed) return;
      await this.#check();
    });
  }

  async #check(): Promise<void> {
    const before = await this.#state();
    if (before === this.#settled) return;
    try {
      const archive = await this.#read();
      const digest = createHash("sha256").update(archive).digest("hex");
      const text = await this.#readLetters();
      if (digest !== this.#digest || text !== this.#letters) {
        const bundle = await readBundle(archive, this.#options.limits);
        const letters: Letters = text === "" ? noLetters : readLetters(text);
        this.#digest = digest;
        this.#letters = text;
        this.#settle(before);
        await this.#options.onOffer({ bundle, archive, letters, from: this.#options.path });
      }
      this.#settle(before);
    } catch (error) {
      this.#broken(before, Fault.from(error, "bundle_invalid", "the bundle cannot be put to use"));
    }
  }

  #settle(state: string): void {
    this.#settled = state;
    this.#suspect = "";
    this.#expired = "";
    clearTimeout(this.#retry);
  }

  #broken(state: string, fault: Fault): void {
    if (this.#closed || (state === this.#suspect && state !== this.#expired)) return;
    if (state === this.#settled || state === this.#expired) {
      this.#settle(state);
      this.#options.onFault(fault);
      return;
    }
    this.#suspect = state;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => {
      this.#expired = state;
      this.#look();
    }, this.#settleMs);
    this.#retry.unref();
  }

  async #state(): Promise<string> {
    const states = [this.#options.path, lettersPathOf(this.#options.path)].map(async (path) => {
      try {
        const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
        return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
      } catch {
        return "missing";
      }
    });
    return (await Promise.all(states)).join(" | ");
  }

  /** Empty where there are none. */
  async #readLetters(): Promise<string> {
    const path = lettersPathOf(this.#options.path);
    try {
      const { size } = await stat(path);
      if (size > maxLettersBytes) {
        throw new Fault(
          "bundle_untrusted",
          `the approvals in \`${path}\` have more than ${maxLettersBytes} bytes`,
        );
      }
      return await readFile(path, "utf8");
    } catch (error) {
      if (error instanceof Fault) throw error;
      return "";
    }
  }

  async #read(): Promise<Uint8Array> {
    const { path, limits } = this.#options;
    const max = limits?.maxArchiveBytes ?? defaultBundleLimits.maxArchiveBytes;
    try {
      const { size } = await stat(path);
      if (size <= max) return await readFile(path);
      throw new Fault("bundle_invalid", `the bundle archive has ${size} bytes, ${max} are allowed`);
    } catch (error) {
      if (error instanceof Fault) throw error;
      const code = (error as NodeJS.ErrnoException).code ?? "unknown";
      throw new Fault("bundle_missing", `the bundle file \`${path}\` cannot be read (${code})`, {
        cause: error,
      });
    }
  }
}
