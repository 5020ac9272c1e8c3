/** Looks at a file before LMDB maps it: what is no LMDB file would end the process, not throw. */
import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";

/** Where the first meta page holds its magic, version and page size (lmdb 3.5, data version 2). */
const magicAt = 24;
const magic = 0xbeefc0de;
const versionAt = 28;
const version = 2;
const pageSizeAt = 48;
/** In each of the two meta pages: number of the last page, and the transaction that wrote it. */
const lastPageAt = 144;
const transactionAt = 152;

/** Throws an error that says what is wrong with an existing `file`; a missing one is well. */
export function checkLmdbFile(file: string): void {
  if (!existsSync(file)) return;
  const fd = openSync(file, "r");
  try {
    const head = Buffer.alloc(64);
    if (readSync(fd, head, 0, head.length, 0) < head.length) throw new Error("the file is cut off");
    if (head.readUInt32LE(magicAt) !== magic) throw new Error("the file is no LMDB store");
    if (head.readUInt32LE(versionAt) !== version) throw new Error("the file is of another LMDB version");
    const pageSize = head.readUInt32LE(pageSizeAt);
    const { size } = fstatSync(fd);
    // Two meta pages come first.
    if (size < 2 * pageSize) throw new Error("the file is cut off");
    // A page that is mapped but not in the file would end the process when it is read.
    if (size < (lastPage(fd, pageSize) + 1) * pageSize)
      throw new Error("the file is cut off: restore it, or remove it so that it is filled anew");
  } finally {
    closeSync(fd);
  }
}

/** The last page of the newer of the two states that the file holds. */
function lastPage(fd: number, pageSize: number): number {
  const [first, second] = [0, pageSize].map((at) => {
    const meta = Buffer.alloc(transactionAt + 8);
    readSync(fd, meta, 0, meta.length, at);
    return { page: meta.readBigUInt64LE(lastPageAt), transaction: meta.readBigUInt64LE(transactionAt) };
  }) as [Meta, Meta];
  return Number(first.transaction > second.transaction ? first.page : second.page);
}

interface Meta {
  readonly page: bigint;
  readonly transaction: bigint;
}
