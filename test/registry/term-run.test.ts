import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { keyOfHash } from "../../src/registry/fingerprint-hash.ts";
import { type TermEntry, TermRun } from "../../src/registry/term-run.ts";

/** Half of a key; a small domain too, so that keys come twice. */
const word = fc.oneof(fc.integer({ min: 0, max: 0xffff_ffff }), fc.constantFrom(0, 1, 0xffff_ffff));

describe("collected index entries", () => {
  it("come back all, in the order of their keys", () => {
    fc.assert(
      fc.property(fc.array(fc.record({ first: word, second: word, id: fc.string() })), (entries) => {
        const run = new TermRun();
        for (const entry of entries) run.add(entry);
        const back = [...run.take()].flat();
        const keys = (all: readonly TermEntry[]) => all.map((each) => keyOfHash(each).toString("hex"));
        expect(keys(back)).toEqual(keys(entries).toSorted());
        expect(new Set(back)).toEqual(new Set(entries));
        expect([...run.take()]).toEqual([]);
      }),
    );
  });

  it("are full at some size, and not once they are taken or dropped", () => {
    const run = new TermRun();
    for (let each = 0; each < 65_536; each++) {
      expect(run.full).toBe(false);
      run.add({ first: each * 65_536, second: each, id: "x" });
    }
    expect(run.full).toBe(true);
    run.clear();
    expect(run.full).toBe(false);
    expect([...run.take()]).toEqual([]);
  });
});
