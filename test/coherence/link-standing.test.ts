import { describe, expect, it } from "vitest";
import { LinkStanding } from "../../src/coherence/link-standing.ts";

describe("a link of a node that grants no lease", () => {
  let granting = true;
  const link = (): LinkStanding =>
    new LinkStanding({ durationMs: 1000, marginMs: 50, granting: () => granting });

  it("covers each answer that leaves: a change waits for what is on its way", () => {
    granting = false;
    const standing = link();
    expect(standing.renewed(0)).toBe(0);
    expect(standing.leasedUntilMs).toBe(Number.NEGATIVE_INFINITY);
    expect(standing.answered(500)).toBe(1000);
    standing.tell(1);
    expect([standing.standing(1, 1549), standing.standing(1, 1550)]).toEqual(["waiting", "fenced"]);
    // An answer after the change has taken it into account, and delays nothing.
    standing.answered(900);
    expect(standing.fencedAtMs(1)).toBe(1550);
  });

  it("gives answers nothing of their own while leases are granted, nor before the first renewal", () => {
    granting = true;
    const standing = link();
    expect(standing.answered(0)).toBe(0);
    standing.renewed(0);
    expect([standing.answered(500), standing.leasedUntilMs]).toEqual([0, 1050]);
  });

  it("goes on covering answers until a renewal is granted again", () => {
    granting = false;
    const standing = link();
    standing.renewed(0);
    granting = true;
    expect(standing.answered(10)).toBe(1000);
    standing.renewed(20);
    expect(standing.answered(30)).toBe(0);
  });
});
