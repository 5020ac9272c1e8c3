import { describe, expect, it } from "vitest";
import { TokenBucket } from "../../src/runtime/token-bucket.ts";

describe("a token bucket", () => {
  it("gives a burst at once, then makes the caller wait its turn", () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 2 }, 0);
    expect([1, 2, 3, 4].map(() => bucket.take(0, 1000))).toEqual([0, 0, 100, 200]);
    expect(bucket.take(300, 1000)).toBe(0);
  });

  it("gives nothing on more credit than allowed, and takes nothing then", () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 1 }, 0);
    expect([1, 2, 3, 4].map(() => bucket.take(0, 100))).toEqual([0, 100, undefined, undefined]);
    expect(bucket.take(100, 100)).toBe(100);
  });

  it("saves no more than a burst, and survives a clock that stands or steps back", () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 2 }, 1000);
    expect([1, 2, 3].map(() => bucket.take(60_000, 1000))).toEqual([0, 0, 100]);
    expect(bucket.take(59_000, 1000)).toBe(200);
  });

  it("changes its rate and loses tokens above the new burst", () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 100 }, 0);
    bucket.setRate({ perSecond: 1, burst: 1 }, 0);
    expect([1, 2].map(() => bucket.take(0, 5000))).toEqual([0, 1000]);
  });
});
