import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TermRun } from "../../src/registry/term-run.ts";

describe("collected index entries", () => {
  it("come back all, in the order of their keys", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 0xffff_ffff }), fc.string())), (entries) => {
        const run = new TermRun();
        const named = entries.map(([order, id]) => [order.toString(36).padStart(7, "0"), id, order] as const);
        for (const [key, id, order] of named) run.add(order, key, id);
        const back = [...run.take()].flat();
        const wanted = named.map(([key, id]) => [key, id] as const);
        const sorted = wanted.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
        expect(back.map(([key]) => key)).toEqual(sorted.map(([key]) => key));
        expect(new Set(back.map(String))).toEqual(new Set(wanted.map(String)));
        expect([...run.take()]).toEqual([]);
      }),
    );
  });

  it("are full at some size, and not once they are taken or dropped", () => {
    const run = new TermRun();
    for (let each = 0; each < 65_536; each++) {
      expect(run.full).toBe(false);
      run.add(each * 65_536, String(each), "x");
    }
    expect(run.full).toBe(true);
    run.clear();
    expect(run.full).toBe(false);
    expect([...run.take()]).toEqual([]);
  });
});
