/** Overrides on disk, in an LMDB environment of their own: no snapshot of records is ever in their way. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import { type Database, open, type RootDatabase } from "lmdb";
import type { Override, OverrideAct } from "../decision/override.ts";
import { Fault } from "../runtime/fault.ts";
import { checkLmdbFile } from "./check-lmdb-file.ts";

/** Layout of the file; another one is refused, never emptied. */
const format = 1;
const formatKey = "format";

/** Name of this node among those that share overrides, and when it last knew all of theirs (unix seconds). */
const nodeKey = "node";
const heardKey = "heard";

/** What one transaction does. */
export interface OverrideCommit {
  /** Absent: another node's act, of which only the mark is known. */
  readonly act?: OverrideAct;
  /** The target whose trust was lost, and when: kept for good, never lowered. */
  readonly mark?: { readonly target: string; readonly since: number };
}

/** The file. Every commit is on disk when {@link commit} returns. */
export class OverrideStore implements AsyncDisposable {
  readonly #root: RootDatabase<unknown, string>;
  readonly #inForce: Database<Override, string>;
  readonly #acts: Database<OverrideAct, number>;
  readonly #marks: Database<number, string>;

  private constructor(root: RootDatabase<unknown, string>) {
    this.#root = root;
    this.#inForce = root.openDB({ name: "overrides" });
    this.#acts = root.openDB({ name: "acts", keyEncoding: "uint32" });
    this.#marks = root.openDB({ name: "marks" });
  }

  /**
   * Opens the store in `dir`. Where there is none it is made if `initialize`, else the result is `undefined`:
   * an override that was lost must never look like one that was never there. Throws `store_unavailable`.
   */
  static open(dir: string, initialize: boolean): OverrideStore | undefined {
    const file = path.join(dir, "overrides.lmdb");
    try {
      if (!existsSync(file) && !initialize) return undefined;
      mkdirSync(dir, { recursive: true });
      checkLmdbFile(file);
      // A commit waits for the disk: what was acknowledged survives a power cut.
      const root = open<unknown, string>({ path: file, maxDbs: 4, overlappingSync: false });
      root.readerCheck();
      const found = root.get(formatKey);
      if (found === undefined) {
        if (!initialize) {
          void root.close();
          return undefined;
        }
        root.putSync(formatKey, format);
      } else if (found !== format) throw new Error(`it has layout ${JSON.stringify(found)}, not ${format}`);
      return new OverrideStore(root);
    } catch (thrown) {
      throw Fault.from(thrown, "store_unavailable", `the override store \`${file}\` cannot be used`);
    }
  }

  /** Overrides in force, oldest first. */
  overrides(): readonly Override[] {
    return [...this.#inForce.getRange()].map(({ value }) => value);
  }

  /** Times of the last loss of trust by target. */
  marks(): ReadonlyMap<string, number> {
    return new Map([...this.#marks.getRange()].map(({ key, value }) => [key, value]));
  }

  /** Name of this node: the same for as long as the store lives. */
  get node(): string {
    const known = this.#root.get(nodeKey) as string | undefined;
    if (known !== undefined) return known;
    const made = randomBytes(4).toString("hex");
    this.#root.putSync(nodeKey, made);
    return made;
  }

  /** When this node last knew what all others did; `undefined`: never. */
  get heardAt(): number | undefined {
    return this.#root.get(heardKey) as number | undefined;
  }

  /** Remembers that across restarts. */
  remember(heardAt: number): void {
    this.#root.putSync(heardKey, heardAt);
  }

  /** Sequence of the last act; 0: there was none. */
  get sequence(): number {
    for (const key of this.#acts.getKeys({ reverse: true, limit: 1 })) return key;
    return 0;
  }

  /** Acts after `sequence`, oldest first, at most `limit`. */
  acts(sequence: number, limit: number): readonly OverrideAct[] {
    return [...this.#acts.getRange({ start: sequence + 1, limit })].map(({ value }) => value);
  }

  /** All of `commits` or nothing; on disk when it returns. Throws `store_unavailable`. */
  commit(commits: readonly OverrideCommit[]): void {
    try {
      this.#root.transactionSync(() => {
        for (const { act, mark } of commits) {
          if (act !== undefined) {
            const key = act.override.id.slice(2).padStart(10, "0");
            if (act.act === "set") this.#inForce.putSync(key, act.override);
            else this.#inForce.removeSync(key);
            this.#acts.putSync(act.sequence, act);
          }
          if (mark !== undefined && mark.since > (this.#marks.get(mark.target) ?? 0))
            this.#marks.putSync(mark.target, mark.since);
        }
      });
    } catch (thrown) {
      throw Fault.from(thrown, "store_unavailable", "an override could not be recorded");
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#root.close();
  }
}
