/** A stored value as readers get it. */
import type { RecordKey } from "../decision/facts.ts";
import type { StoredValue } from "./record-store.ts";
import type { StoredRecord } from "./stored-record.ts";

/** The record under `key`, or why it is none; `T` is the record of the key's kind. */
export function toStored<T>(key: RecordKey, value: StoredValue | undefined): StoredRecord<T> | undefined {
  if (value === undefined) return undefined;
  const { invalid, record, revision, source } = value;
  return record === undefined
    ? { key, revision, source, invalid }
    : { key, revision, source, record: record as T };
}
