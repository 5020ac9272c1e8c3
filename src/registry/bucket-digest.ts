/**
 * Anti-entropy (SYN-11, SYN-12): records of one tenant in 16 buckets, each with a count and a checksum over keys and
 * versions, so that one row that was lost is found behind a fresh maximum.
 */
import { createHash } from "node:crypto";
import type { RecordKey } from "../decision/facts.ts";
import { giveWay } from "../runtime/give-way.ts";

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

type Digest = Pick<BucketDigest, "checksum" | "count">;
type Entries = Iterable<readonly [RecordKey, number]>;

/** Lines that are made or hashed before others may run. */
const slice = 2048;

/** `sha256:` of `KEY VERSION` and a newline for each record, in the order of their keys as bytes. */
export function digestOf(entries: Entries): Digest {
  const steps = digesting(entries);
  for (let step = steps.next(); ; step = steps.next()) if (step.done === true) return step.value;
}

/** The same of a bucket that may be large, letting others run. */
export async function digestInSteps(entries: Entries): Promise<Digest> {
  const steps = digesting(entries);
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done === true) return step.value;
    await giveWay();
  }
}

function* digesting(entries: Entries): Generator<void, Digest> {
  const lines: Buffer[] = [];
  for (const [key, version] of entries)
    if (lines.push(Buffer.from(`${key} ${version}\n`)) % slice === 0) yield;
  // A space sorts before every character that an id may hold, so that lines sort as their keys do.
  lines.sort((a, b) => a.compare(b));
  const hash = createHash("sha256");
  for (let from = 0; from < lines.length; from += slice) {
    hash.update(Buffer.concat(lines.slice(from, from + slice)));
    yield;
  }
  return { count: lines.length, checksum: `sha256:${hash.digest("hex")}` };
}
