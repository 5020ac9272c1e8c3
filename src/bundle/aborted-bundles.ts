/** Bundles that a person does not want here: not taken again, after a restart either. */
import { mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import * as z from "zod";
import { replaceFile } from "../runtime/atomic-file.ts";
import { Fault } from "../runtime/fault.ts";

/** One of them. */
export interface AbortedBundle {
  readonly digest: string;
  readonly revision: string;
  readonly by: string;
  readonly reason: string;
  /** Unix seconds. */
  readonly at: number;
}

const schema = z.object({
  format: z.literal(1),
  aborted: z.array(
    z.object({ digest: z.string(), revision: z.string(), by: z.string(), reason: z.string(), at: z.int() }),
  ),
});
/** Most that are remembered; the oldest are forgotten. */
const most = 1000;

/** The list, in a file of the folder that keeps the last known good bundle. */
export class AbortedBundles {
  readonly #dir: string | undefined;
  #list: readonly AbortedBundle[];

  /** A list that lasts as long as the process, where `dir` is not given. */
  constructor(dir?: string, list: readonly AbortedBundle[] = []) {
    this.#dir = dir;
    this.#list = list;
  }

  /** Reads it; without a folder it lasts as long as the process. Throws `bundle_unkept` where it is damaged. */
  static async open(dir: string | undefined): Promise<AbortedBundles> {
    if (dir === undefined) return new AbortedBundles(dir, []);
    const file = fileIn(dir);
    try {
      return new AbortedBundles(dir, schema.parse(JSON.parse(await readFile(file, "utf8"))).aborted);
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return new AbortedBundles(dir, []);
      throw Fault.from(thrown, "bundle_unkept", `the list of aborted bundles \`${file}\` cannot be read`);
    }
  }

  /** Whether it was aborted here. */
  has(digest: string): boolean {
    return this.#list.some((each) => each.digest === digest);
  }

  /** Adds one, on disk when it resolves. Rejects with `bundle_unkept`; then it is not aborted. */
  async add(bundle: AbortedBundle): Promise<void> {
    const list = [...this.#list.filter(({ digest }) => digest !== bundle.digest), bundle].slice(-most);
    if (this.#dir !== undefined) {
      try {
        await mkdir(this.#dir, { recursive: true });
        await replaceFile(fileIn(this.#dir), `${JSON.stringify({ format: 1, aborted: list }, null, 1)}\n`);
      } catch (thrown) {
        throw Fault.from(thrown, "bundle_unkept", "the abort cannot be remembered, so it is not done");
      }
    }
    this.#list = list;
  }
}

const fileIn = (dir: string): string => path.join(dir, "aborted.json");
