/** Stores of layout 1 and 2, whose rows were MessagePack with structures that they shared: taken over once. */
import { asBinary, open, type RootDatabase } from "lmdb";
import type { CredentialRecord } from "../decision/facts.ts";
import { closeLmdbFile, type LmdbFile, lmdbPath, openLmdbFile, writeBatch } from "./lmdb-file.ts";
import type { StoredValue, Tombstone } from "./record-store.ts";
import type { AnyRecord } from "./stored-record.ts";
import { rowMark, toRow } from "./stored-row.ts";

/** `[revision, source, record]`, `[revision, source, null, reason]`, with the version as a fifth member; neither: a tombstone. */
type OldRow = readonly [number, string, AnyRecord | null, (string | null)?, number?];

const stateKey = "!state";
const page = 512;

/** Opens the store in `dir` ({@link openLmdbFile}); one of an old layout is taken over first. */
export async function openTakenOver(dir: string): Promise<LmdbFile> {
  const file = openLmdbFile(dir);
  const state = file.get(stateKey);
  // Later ones are JSON.
  if (state === undefined || state[0] === "{".charCodeAt(0)) return file;
  await file.close();
  await takeOverRows(dir);
  return openLmdbFile(dir);
}

/**
 * Writes every row of the store in `dir` anew, then its state, whose `format` stays what it was: the index is built by
 * who opens it. What a crash leaves half done is ended the next time.
 */
async function takeOverRows(dir: string): Promise<void> {
  const file = open<unknown, string>({
    path: lmdbPath(dir),
    sharedStructuresKey: structures,
    eventTurnBatching: false,
  });
  try {
    const state = file.get(stateKey);
    for (let start = "a"; ; ) {
      const keys = [...file.getKeys({ start, limit: page })];
      await writeBatch(file, () => {
        for (const key of keys) takeOver(file, key);
      });
      const last = keys.at(-1);
      if (last === undefined || keys.length < page) break;
      start = `${last}\u0001`;
    }
    await writeBatch(file, () => {
      void file.put(stateKey, asBinary(Buffer.from(JSON.stringify(state))));
      void file.remove(structures as unknown as string);
    });
  } finally {
    await closeLmdbFile(file);
  }
}

const structures = Symbol.for("structures");

function takeOver(file: RootDatabase<unknown, string>, key: string): void {
  if (file.getBinary(key)?.[0] === rowMark) return;
  const row = file.get(key) as OldRow | null;
  void file.put(key, asBinary(toRow(row === null ? null : toValue(row))));
}

/** Credentials were pairs. */
function toValue([revision, source, record, invalid, version]: OldRow): StoredValue | Tombstone {
  const origin = version === undefined ? { revision, source } : { revision, source, version };
  if (record === null)
    return invalid === null
      ? { gone: true, source, version: version ?? 0 }
      : { ...origin, invalid: invalid ?? "unreadable" };
  if (!("credentials" in record)) return { ...origin, record };
  const credentials: Record<string, CredentialRecord> = Object.create(null) as Record<string, never>;
  for (const [name, value] of record.credentials as unknown as [string, CredentialRecord][])
    credentials[name] = value;
  return { ...origin, record: { ...record, credentials } as AnyRecord };
}
