/** The LMDB file of the records: opened, and written in transactions that fail as faults. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { open, type RootDatabase } from "lmdb";
import { Fault } from "../runtime/fault.ts";
import { giveWay } from "../runtime/give-way.ts";
import { checkLmdbFile } from "./check-lmdb-file.ts";

/** The file with its main database: rows ({@link toRow}), and the state as JSON. */
export type LmdbFile = RootDatabase<Buffer, string>;

/** How every process opens the file. */
export const lmdbOptions: { readonly encoding: "binary"; readonly eventTurnBatching: false } = {
  encoding: "binary",
  // With batches per turn of the event loop lmdb makes promises of its own, which nobody could catch where a
  // commit fails, on a full disk: that would end the process.
  eventTurnBatching: false,
};

/** Where the file of a store lies. */
export function lmdbPath(dir: string): string {
  return join(dir, "records.lmdb");
}

/** Opens or creates `records.lmdb` in `dir`. Throws where it is damaged. */
export function openLmdbFile(dir: string): LmdbFile {
  mkdirSync(dir, { recursive: true });
  const path = lmdbPath(dir);
  checkLmdbFile(path);
  return open<Buffer, string>({ path, ...lmdbOptions });
}

/**
 * Closes the file. The thread of lmdb 3.5 is at its last write a moment longer than whoever waits for that, and would end
 * the process where the file is gone meanwhile.
 */
export async function closeLmdbFile(file: Pick<LmdbFile, "close">): Promise<void> {
  await sleep(20);
  await file.close();
}

/** One atomic, durable batch, written beside the event loop (`transaction()` of lmdb 3.5 never ends here). */
export async function writeBatch(
  file: Pick<LmdbFile, "batch" | "resetReadTxn">,
  action: () => void,
): Promise<void> {
  try {
    await file.batch(action);
  } catch (error) {
    // lmdb rejects a second promise with the cause; nobody else waits for it.
    (error as { commitError?: Promise<never> }).commitError?.catch(() => {});
    throw Fault.from(error, "store_unavailable", "cannot write the record store");
  }
  file.resetReadTxn();
}

/** The same, on disk when it returns. */
export function writeNow(file: LmdbFile, action: () => void): void {
  try {
    file.transactionSync(action);
  } catch (error) {
    throw Fault.from(error, "store_unavailable", "cannot write the record store");
  }
  file.resetReadTxn();
}

/** Keys that are looked at in one batch: some millisecond. */
const page = 128;

/** Calls `visit` with every key from `start` on, in batches; it removes each that it has done with. */
export async function eachKeyFrom(
  file: LmdbFile,
  start: string,
  visit: (key: string) => void,
): Promise<void> {
  for (;;) {
    const keys = [...file.getKeys({ start, limit: page })];
    if (keys.length === 0) return;
    await writeBatch(file, () => keys.forEach(visit));
    await giveWay();
  }
}
