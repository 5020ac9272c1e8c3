import { describe, expect, it } from "vitest";
import { StormGuard } from "../../src/enforcement/storm-guard.ts";
import { ManualClock } from "../../src/runtime/clock.ts";

const rates = {
  perEvidence: { perSecond: 1, burst: 3 },
  perName: { perSecond: 1, burst: 3 },
  remembered: 100,
};
const secret = (value: string) => ({ type: "secret", name: "meter-001", secret: value }) as const;

describe("the storm guard", () => {
  const clock = new ManualClock(0);
  const attempt = (value: string, address = "10.0.0.1") => ({
    evidence: secret(value),
    name: "meter-001",
    address,
  });

  it("slows down one client that comes back for ever", () => {
    const guard = new StormGuard(clock.monotonicMs, rates);
    expect([1, 2, 3, 4, 5].map(() => guard.admits(attempt("x")))).toEqual([true, true, true, false, false]);
    expect(guard.turnedAway).toBe(2);
    clock.advance(1);
    expect(guard.admits(attempt("x"))).toBe(true);
  });

  it("does not let guesses lock out whoever has the right secret", () => {
    const guard = new StormGuard(clock.monotonicMs, rates);
    guard.accepted(attempt("right"));
    for (let i = 0; i < 1000; i++) guard.admits(attempt(`guess ${i}`));
    expect(guard.turnedAway).toBe(997);
    expect(guard.admits(attempt("right"))).toBe(true);
    // A newcomer elsewhere is not held up either.
    expect(guard.admits(attempt("right too", "10.0.0.2"))).toBe(true);
  });
});
