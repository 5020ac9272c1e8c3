/** The ledger of duties as a process reads it that does not write it. */
import { type Database, open, type RootDatabase } from "lmdb";
import { Fault } from "../runtime/fault.ts";
import type { Marks } from "./with-duties.ts";

/** Reads through the memory map what the writer has committed. */
export class DutyReader implements Marks, AsyncDisposable {
  readonly #root: RootDatabase;
  readonly #claims: Database<unknown, string>;
  readonly #reentry: Database<number, string>;

  /** Opens a ledger that is there. Throws `store_unavailable`. */
  constructor(dir: string) {
    try {
      this.#root = open({ path: dir, name: "duties", maxDbs: 4, readOnly: true });
      this.#claims = this.#root.openDB({ name: "claims" });
      this.#reentry = this.#root.openDB({ name: "reentry" });
    } catch (thrown) {
      throw Fault.from(thrown, "store_unavailable", `ledger \`${dir}\` cannot be read`);
    }
  }

  /** From here on reads see what is committed now. */
  renew(): void {
    this.#root.resetReadTxn();
  }

  isSpent(fingerprint: string): boolean {
    return this.#claims.doesExist(fingerprint);
  }

  reentrySince(deviceId: string): number {
    return this.#reentry.get(deviceId) ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#root.close();
  }
}
