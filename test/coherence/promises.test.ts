import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Promises } from "../../src/coherence/promises.ts";
import { RecentChanges } from "../../src/coherence/recent-changes.ts";

describe("promises", () => {
  it("never call a device covered that was promised something, however small the memory", () => {
    const device = fc.constantFrom("a", "b", "c", "d");
    fc.assert(
      fc.property(
        fc.array(fc.tuple(device, fc.nat(50)), { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 1, max: 3 }),
        fc.nat(60),
        (made, max, now) => {
          const promises = new Promises(max);
          for (const [name, until] of made) promises.promise(name, until);
          promises.prune(now);
          expect(promises.size).toBeLessThanOrEqual(max);
          for (const [name, until] of made) {
            if (until > now) expect(promises.of(name, now)).toBeGreaterThanOrEqual(until);
          }
          const last = Math.max(...made.map(([, until]) => until));
          expect(promises.latest(now)).toBe(last > now ? last : undefined);
        },
      ),
    );
  });

  it("of an earlier process hold for every device until they end", () => {
    const promises = new Promises(10, 100);
    expect(promises.of("anything", 99)).toBe(100);
    expect(promises.of("anything", 100)).toBeUndefined();
  });
});

describe("recent changes", () => {
  it("never call an answer untouched whose record changed since", () => {
    const keys = ["device:a", "device:b", "device:c", "device:d"] as const;
    const change = fc.oneof(
      { weight: 5, arbitrary: fc.subarray([...keys], { minLength: 1 }) },
      { weight: 1, arbitrary: fc.constant("everything" as const) },
    );
    fc.assert(
      fc.property(fc.array(change, { maxLength: 12 }), fc.integer({ min: 1, max: 3 }), (changes, max) => {
        const recent = new RecentChanges(max);
        for (const each of changes) recent.add(each);
        for (const key of keys) {
          for (let since = 0; since <= changes.length; since++) {
            const changed = changes.slice(since).some((each) => each === "everything" || each.includes(key));
            if (changed) expect(recent.touched([key], since)).toBe(true);
          }
          expect(recent.touched([key], changes.length)).toBe(false);
        }
      }),
    );
  });
});
