/** One entry of a source: a record with its kind, or the end of the snapshot. */
import type { RecordKey } from "../decision/facts.ts";
import { isRecordKind, type RecordValidator, type Validated } from "./record-validator.ts";
import { namedTwice, twiceNamed } from "./twice-named.ts";

/** What ends a snapshot: the number of entries before it and the digest of every byte before it. */
export interface Trailer {
  readonly count: number | undefined;
  /** `sha256:` and 64 hex digits. */
  readonly checksum: string | undefined;
}

/** An entry that was read. `key` is set where it says which record it is about, also when that is invalid. */
export type Entry = Validated | { readonly key?: undefined; readonly end: Trailer };

/**
 * Reads `{"kind": "device" | "tenant" | "firmware_policy" | "release" | "rollout" | "service" | "report", "record": {...}}` or
 * `{"kind": "end", "count": N, "checksum": "sha256:..."}`. The record is completed in place. `text`: what it was parsed
 * from, where a name in it may stand twice.
 */
export function parseEntry(value: unknown, validate: RecordValidator, text?: string): Entry {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return refused("not an object");
  const { kind, record, count, checksum } = value as Readonly<Record<string, unknown>>;
  const twice = text === undefined ? undefined : twiceNamed(text, value);
  if (kind === "end")
    return twice === undefined ? readTrailer(count, checksum) : namedTwice(twice, undefined, 1);
  if (!isRecordKind(kind))
    return refused(
      "unknown `kind`; use device, tenant, firmware_policy, release, rollout, service or report",
    );
  const entry = validate(kind, record);
  return twice === undefined ? entry : namedTwice(twice, entry.key, 2);
}

function readTrailer(count: unknown, checksum: unknown): Entry {
  if (count !== undefined && !Number.isSafeInteger(count))
    return refused("`count` of the end is not an integer");
  if (checksum !== undefined && !(typeof checksum === "string" && /^sha256:[0-9a-f]{64}$/.test(checksum)))
    return refused("`checksum` of the end is not `sha256:` and 64 hex digits");
  return { end: { count: count as number | undefined, checksum } };
}

function refused(invalid: string): { readonly key: RecordKey | undefined; readonly invalid: string } {
  return { key: undefined, invalid };
}
