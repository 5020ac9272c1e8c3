import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { bucketOf } from "../../src/pdp/bucket.ts";
import { sharedTables } from "../cases/table.ts";

const shared = sharedTables();

interface Vector {
  readonly salt: string;
  readonly device_id: string;
  readonly bucket: number;
}

/** Chi-square of counts against equal shares. */
function chiSquare(counts: readonly number[]): number {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

const devices = Array.from({ length: 20_000 }, (_, i) => `meter-${i}`);

describe("buckets (INV-13)", () => {
  it("are the first eight bytes of the digest, taken as one number", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (salt, device) => {
        const digest = createHash("sha256").update(`${salt}:${device}`).digest();
        expect(bucketOf(salt, device)).toBe(Number(digest.readBigUInt64BE(0) % 10_000n));
      }),
    );
  });

  it.each([
    ["ro-77", "meter-001", 3672],
    ["ro-77", "zähler-1", 6732],
  ])("of %s and %s is %i", (salt, device, bucket) => expect(bucketOf(salt, device)).toBe(bucket));

  it.skipIf(shared === undefined)("agree with the vectors that are handed on", () => {
    const file = parse(readFileSync(join(shared ?? "", "invariants.yaml"), "utf8")) as {
      readonly bucket_vectors: readonly Vector[];
    };
    expect(file.bucket_vectors.length).toBeGreaterThan(3);
    for (const { salt, device_id, bucket } of file.bucket_vectors)
      expect(bucketOf(salt, device_id), `${salt}:${device_id}`).toBe(bucket);
  });

  it("are uniform", () => {
    const counts = Array.from({ length: 100 }, () => 0);
    for (const device of devices) {
      const cell = Math.floor(bucketOf("ro-1", device) / 100);
      counts[cell] = (counts[cell] ?? 0) + 1;
    }
    // 99 degrees of freedom: 148.2 is exceeded once in a thousand.
    expect(chiSquare(counts)).toBeLessThan(148.2);
  });

  it("are independent between rollouts", () => {
    const counts = Array.from({ length: 100 }, () => 0);
    for (const device of devices) {
      const cell =
        Math.floor(bucketOf("ro-1", device) / 1000) * 10 + Math.floor(bucketOf("ro-2", device) / 1000);
      counts[cell] = (counts[cell] ?? 0) + 1;
    }
    expect(chiSquare(counts)).toBeLessThan(148.2);
  });
});
