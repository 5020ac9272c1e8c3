/** A stored value as LMDB holds it: short rows, whose shapes many records share. */
import type { CredentialRecord, DeviceRecord } from "../decision/facts.ts";
import type { StoredValue, Tombstone } from "./record-store.ts";
import type { AnyRecord } from "./stored-record.ts";

/**
 * `[revision, source, record]` or `[revision, source, null, reason]`, with the version as a fifth member; a tombstone
 * has neither record nor reason.
 */
export type Row = readonly [number, string, AnyRecord | null, (string | null)?, number?];

/**
 * Credentials become pairs: as members their names would be a new shared structure per device. They come
 * back without a prototype, which is faster for names that all differ, and `constructor` names none of them.
 */
export function toRow(value: StoredValue | Tombstone): Row {
  if ("gone" in value) return [0, value.source, null, null, value.version];
  const { invalid, record, revision, source, version } = value;
  const tail: readonly [string | null, number] | readonly [] = version === undefined ? [] : [null, version];
  if (record === undefined)
    return version === undefined
      ? [revision, source, null, invalid]
      : [revision, source, null, invalid, version];
  if (!("credentials" in record)) return [revision, source, record, ...tail];
  const pairs = Object.entries(record.credentials);
  return [revision, source, { ...record, credentials: pairs } as unknown as AnyRecord, ...tail];
}

/** The inverse. A row was decoded for this call alone: it is changed in place. */
export function fromRow([revision, source, record, invalid, version]: Row): StoredValue | Tombstone {
  const origin = version === undefined ? { revision, source } : { revision, source, version };
  if (record === null) {
    if (invalid === null) return { gone: true, source, version: version ?? 0 };
    return { ...origin, invalid: invalid ?? "unreadable" };
  }
  if (!("credentials" in record)) return { ...origin, record };
  const pairs = record.credentials as unknown as [string, CredentialRecord][];
  const credentials: Record<string, CredentialRecord> = Object.create(null) as Record<string, never>;
  for (const [name, value] of pairs) credentials[name] = value;
  (record as { credentials: DeviceRecord["credentials"] }).credentials = credentials;
  return { ...origin, record };
}
