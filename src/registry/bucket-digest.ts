/**
 * Anti-entropy (SYN-11, SYN-12): records of one tenant in 16 buckets, each with a count and a checksum over keys and
 * versions, so that one row that was lost is found behind a fresh maximum.
 */
import { createHash } from "node:crypto";
import type { RecordKey } from "../decision/facts.ts";

/** Which one a record is in: the first hexadecimal digit of the SHA-256 of its key. */
export function bucketOf(key: RecordKey): number {
  return (createHash("sha256").update(key).digest()[0] ?? 0) >> 4;
}

/** What a source says of one bucket. */
export interface BucketDigest {
  readonly tenant: string;
  readonly bucket: number;
  readonly count: number;
  /** See {@link digestOf}. */
  readonly checksum: string;
}

/** `sha256:` of `KEY VERSION` and a newline for each record, in the order of their keys as bytes. */
export function digestOf(entries: Iterable<readonly [RecordKey, number]>): {
  count: number;
  checksum: string;
} {
  const lines = [...entries].map(([key, version]) => Buffer.from(`${key} ${version}\n`));
  // A space sorts before every character that an id may hold, so that lines sort as their keys do.
  lines.sort((a, b) => a.compare(b));
  const hash = createHash("sha256");
  for (const line of lines) hash.update(line);
  return { count: lines.length, checksum: `sha256:${hash.digest("hex")}` };
}
