/** The last known good bundle, kept on this machine: what the service starts from when its source is away. */
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { replaceFile } from "../runtime/atomic-file.ts";
import { Fault } from "../runtime/fault.ts";
import type { Letters } from "./letters.ts";

/** What is kept beside the archive. */
export interface GoodState {
  readonly digest: string;
  readonly revision: string;
  readonly sequence: number;
  /** Highest sequence that was ever in force; higher than `sequence` after a rollback. */
  readonly floor: number;
  /** When it came into force, unix seconds: keys are judged as of then. */
  readonly activated_at: number;
  readonly from: string;
  readonly etag?: string | undefined;
  readonly letters: Letters;
  /** The keyset in force, as its file's text; a pinned one that is older does not come back. */
  readonly keyset?: string | undefined;
}

/** A kept bundle. */
export interface Good {
  readonly state: GoodState;
  readonly archive: Uint8Array;
}

const stateSchema = z.object({
  format: z.literal(1),
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  revision: z.string(),
  sequence: z.int().min(0),
  floor: z.int().min(0),
  activated_at: z.int().min(0),
  from: z.string(),
  etag: z.string().optional(),
  letters: z.object({ approvals: z.array(z.string()), rollbacks: z.array(z.string()) }),
  keyset: z.string().optional(),
});

const unkept = (message: string, cause: unknown): Fault =>
  Fault.from(cause, "bundle_unkept", `the last known good bundle ${message}`);

/** A folder with `state.json`, which is replaced atomically, and the archive that it names. */
export class GoodStore {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** What was kept; `undefined`: nothing yet. Throws `bundle_unkept` where it is there and cannot be read. */
  async read(): Promise<Good | undefined> {
    let text: string;
    try {
      text = await readFile(this.#statePath, "utf8");
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw unkept("cannot be read", thrown);
    }
    try {
      const state = stateSchema.parse(JSON.parse(text));
      return { state, archive: await readFile(this.#archivePath(state.digest)) };
    } catch (thrown) {
      throw unkept(`in \`${this.#dir}\` is damaged: move the folder away to start without it`, thrown);
    }
  }

  /**
   * Keeps a bundle in the place of the one before.
   * @throws Fault `bundle_unkept` (disk full, no rights); then the one before is still kept
   */
  async keep({ state, archive }: Good): Promise<void> {
    try {
      await mkdir(this.#dir, { recursive: true });
      // INVARIANT: the archive is on disk before a state names it, and goes only when none does any more.
      await replaceFile(this.#archivePath(state.digest), archive);
      await replaceFile(this.#statePath, `${JSON.stringify({ format: 1, ...state }, null, 1)}\n`);
      await this.#tidy(state.digest);
    } catch (thrown) {
      throw unkept(`cannot be kept in \`${this.#dir}\``, thrown);
    }
  }

  async #tidy(digest: string): Promise<void> {
    const names = await readdir(this.#dir);
    const old = names.filter((name) => /^[0-9a-f]{64}\.tar\.gz/.test(name) && name !== `${digest}.tar.gz`);
    await Promise.all(old.map((name) => rm(join(this.#dir, name), { force: true })));
  }

  get #statePath(): string {
    return join(this.#dir, "state.json");
  }

  #archivePath(digest: string): string {
    return join(this.#dir, `${digest}.tar.gz`);
  }
}
