/** A file as the source of records: watched, read whole, applied or refused as a whole. */
import { type BigIntStats, type FSWatcher, watch } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { basename, dirname, extname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../runtime/clock.ts";
import { Fault } from "../runtime/fault.ts";
import { expectedLines } from "./expected-lines.ts";
import type { Feed, SnapshotResult } from "./feed.ts";
import type { FeedChoice } from "./feed-choice.ts";
import { type FleetFormat, readFleet } from "./read-fleet.ts";
import type { RecordMill } from "./record-mill.ts";
import { createRecordValidator, type RecordValidator } from "./record-validator.ts";
import type { Registry } from "./registry.ts";

/** How the file is read. */
export interface RegistryFileOptions extends Pick<FeedChoice, "kinds" | "origin" | "tenants"> {
  readonly path: string;
  /** Default: one that knows no verifier of attestation results. */
  readonly validate?: RecordValidator;
  /** Where the records of large files are read; absent: here. */
  readonly mill?: RecordMill | undefined;
  readonly clock: Clock;
  /** Name of the source; records of the store belong to it across restarts. Default `file`. */
  readonly name?: string;
  /** Default: by the extension, `.json`, `.yaml`, `.yml`, else NDJSON. */
  readonly format?: FleetFormat;
  /** Milliseconds between looks at the file; each healthy one renews the watermark. Default 2000. */
  readonly pollMs?: number;
  /** Whether to ask the operating system for notice of changes. Default true. */
  readonly watch?: boolean;
  /** Milliseconds for which a changed file must lie still before it is read. Default 100; 0 to 50 may miss an edit. */
  readonly settleMs?: number;
  /** Largest share of the records that a new version may delete or spoil, 0 to 1. Default 0.5. */
  readonly maxLostShare?: number;
  /** Accept the loss of any number of records. */
  readonly confirmDeletions?: boolean;
  /** Whether the file must end with a trailer. Default: once it had one, it must. */
  readonly requireTrailer?: boolean;
}

/** What one look at the file found. */
export type Look =
  | ({ readonly outcome: "applied" } & SnapshotResult)
  | { readonly outcome: "unchanged" }
  | { readonly outcome: "refused" | "unavailable"; readonly fault: Fault };

/** Keeps the registry equal to a file. A file that cannot be used leaves the good records in force, ageing. */
export class RegistryFile implements AsyncDisposable {
  readonly #options: RegistryFileOptions;
  readonly #feed: Feed;
  readonly #validate: RecordValidator;
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** The version of the file that was judged last, and how that ended. */
  #judged: { readonly version: string; readonly look: Look } | undefined;
  #looking: Promise<Look> | undefined;
  /** The look that follows the one under way, where somebody asked for it. */
  #next: Promise<Look> | undefined;
  #closed = false;

  private constructor(registry: Registry, options: RegistryFileOptions) {
    this.#options = options;
    this.#validate = options.validate ?? createRecordValidator();
    const { kinds, name = "file", origin, tenants } = options;
    this.#feed = registry.feed(name, {
      kinds,
      origin,
      tenants,
      confirm: () => void this.confirmDeletions(),
    });
  }

  /** Takes a first look and starts watching. A bad file is no error: `registry.status()` has the fault. */
  static async open(registry: Registry, options: RegistryFileOptions): Promise<RegistryFile> {
    const file = new RegistryFile(registry, options);
    await file.look();
    file.#watch();
    return file;
  }

  /** Looks at the file as it is now: after a look under way, another is taken. Never rejects. */
  look(): Promise<Look> {
    if (this.#looking === undefined) return this.#begin(this.#options.confirmDeletions === true);
    this.#next ??= this.#looking.then(() => {
      this.#next = undefined;
      return this.look();
    });
    return this.#next;
  }

  /** Applies the version that was refused for the records it would lose, if the file is still that version. */
  async confirmDeletions(): Promise<Look> {
    while (this.#looking !== undefined) await this.#looking;
    const refused = this.#judged;
    return refused?.look.outcome === "refused" ? this.#begin(true, refused.version) : this.look();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#watcher?.close();
    clearTimeout(this.#timer);
    while (this.#looking !== undefined) await this.#looking;
    await this.#feed[Symbol.asyncDispose]();
  }

  #begin(confirmed: boolean, only?: string): Promise<Look> {
    this.#looking = this.#look(confirmed, only).finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #look(confirmed: boolean, only?: string): Promise<Look> {
    const { clock, settleMs = 100 } = this.#options;
    try {
      if (this.#closed) throw new Fault("source_unavailable", "the source is closed");
      let asOfMs = clock.monotonicMs();
      let version = await this.#version();
      if (only === undefined && version === this.#judged?.version)
        return await this.#same(this.#judged.look, asOfMs);
      // A writer at work is waited for; the wait also tells edits apart that share a tick of the file clock.
      for (let before = ""; before !== version && settleMs > 0; ) {
        before = version;
        if (this.#closed) throw new Fault("source_unavailable", "the source is closed");
        await sleep(settleMs);
        asOfMs = clock.monotonicMs();
        version = await this.#version();
      }
      if (only !== undefined && version !== only) throw changedMeanwhile(this.#options.path);
      return await this.#read(version, asOfMs, confirmed);
    } catch (error) {
      const fault = Fault.from(error, "source_unavailable", `cannot read \`${this.#options.path}\``);
      this.#feed.failed(fault);
      return { outcome: fault.code === "snapshot_refused" ? "refused" : "unavailable", fault };
    }
  }

  async #same(look: Look, asOfMs: number): Promise<Look> {
    if (look.outcome === "refused" || look.outcome === "unavailable") {
      this.#feed.failed(look.fault);
      return look;
    }
    await this.#feed.bookmark(asOfMs);
    return { outcome: "unchanged" };
  }

  async #read(version: string, asOfMs: number, confirmed: boolean): Promise<Look> {
    const { maxLostShare = 0.5, path } = this.#options;
    const file = await open(path, "r");
    let look: Look;
    try {
      const expected = this.#format() === "ndjson" ? await expectedLines(file) : undefined;
      const result = await this.#feed.snapshot(
        {
          asOfMs,
          maxLostShare: confirmed ? 1 : maxLostShare,
          ...(expected === undefined ? {} : { expected }),
        },
        (sink) => this.#fill(file, version, sink),
      );
      look = { outcome: "applied", ...result };
    } catch (error) {
      const fault = Fault.from(error, "source_unavailable", `cannot read \`${path}\``);
      // Only what is wrong with this very content need not be tried again.
      if (fault.code !== "snapshot_refused") throw fault;
      look = { outcome: "refused", fault };
    } finally {
      await file.close();
    }
    this.#judged = { version, look };
    return look;
  }

  async #fill(
    file: FileHandle,
    version: string,
    sink: Parameters<typeof readFleet>[3],
  ): Promise<{ readonly trailer: boolean }> {
    const { path, requireTrailer = this.#feed.hadTrailer } = this.#options;
    const end = await readFleet(file, this.#format(), this.#validate, sink, this.#options.mill);
    if (versionOf(await file.stat({ bigint: true })) !== version) throw changedMeanwhile(path);
    if (requireTrailer && !end.trailer)
      throw new Fault(
        "snapshot_refused",
        `\`${path}\` is not applied: its end line is missing; it may be cut off`,
      );
    return end;
  }

  #format(): FleetFormat {
    const extension = extname(this.#options.path).toLowerCase();
    if (this.#options.format !== undefined) return this.#options.format;
    if (extension === ".json") return "json";
    return extension === ".yaml" || extension === ".yml" ? "yaml" : "ndjson";
  }

  async #version(): Promise<string> {
    return versionOf(await stat(this.#options.path, { bigint: true }));
  }

  #watch(): void {
    const { path } = this.#options;
    try {
      if (this.#options.watch !== false)
        this.#watcher = watch(dirname(path), (_event, name) => {
          if (name === null || name === basename(path)) this.#soon(0);
        });
      this.#watcher?.on("error", () => this.#watcher?.close());
    } catch {
      // Without notice of changes the looks at intervals find them.
    }
    this.#soon(this.#options.pollMs ?? 2000);
  }

  #soon(ms: number): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      // A look never rejects.
      void this.look().then(() => {
        if (this.#timer === undefined) this.#soon(this.#options.pollMs ?? 2000);
      });
    }, ms);
  }
}

/** What tells two versions of a file apart. */
function versionOf({ ctimeNs, dev, ino, mtimeNs, size }: BigIntStats): string {
  return `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`;
}

function changedMeanwhile(path: string): Fault {
  return new Fault("source_unavailable", `\`${path}\` changed while it was read; it is read again`);
}
