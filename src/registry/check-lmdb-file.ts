/** Looks at a file before LMDB maps it: what is no LMDB file would end the process, not throw. */
import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";

/** Where the first meta page holds its magic, version and page size (lmdb 3.5, data version 2). */
const magicAt = 24;
const magic = 0xbeefc0de;
const versionAt = 28;
const version = 2;
const pageSizeAt = 48;

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
    // Two meta pages come first.
    if (fstatSync(fd).size < 2 * pageSize) throw new Error("the file is cut off");
  } finally {
    closeSync(fd);
  }
}
