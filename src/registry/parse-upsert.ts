/** The record of an upsert, validated; what is wrong with it isolates the record that its key names. */
import { readRecordKey } from "./read-record-key.ts";
import { isRecordKind, type RecordValidator, type Validated } from "./record-validator.ts";
import { kindOf } from "./stored-record.ts";
import type { SyncEvent } from "./sync.ts";
import { namedTwice, twiceNamed } from "./twice-named.ts";

/** A record as a source sends it. */
export type Upsert = SyncEvent & { readonly type: "upsert" };

/** Reads and validates it. */
export function parseUpsert(event: Upsert, validate: RecordValidator): Validated {
  const entry = read(event, validate);
  if (event.key === undefined || entry.key === event.key) return entry;
  // What stands under this key is unreadable, or is another record: the one that the key names is isolated.
  const named = readRecordKey(event.key);
  const key = named !== undefined && kindOf(named) === event.kind ? named : undefined;
  if (entry.key === undefined) return { key, invalid: entry.invalid ?? "unreadable" };
  return { key, invalid: "the record is that of another key" };
}

function read({ kind, read: entry, record, twice, value }: Upsert, validate: RecordValidator): Validated {
  if (entry !== undefined) return entry;
  if (!isRecordKind(kind)) return { key: undefined, invalid: `\`${kind}\` is no kind of record` };
  if (value !== undefined) {
    const known = validate(kind, value);
    return twice === undefined ? known : namedTwice(twice, known.key, 2);
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(record);
  } catch {
    return { key: undefined, invalid: "the record is not JSON" };
  }
  // Before the record is completed in place.
  const found = twiceNamed(record, parsed);
  const known = validate(kind, parsed);
  return found === undefined ? known : namedTwice(found, known.key, 1);
}
