/**
 * The law of storms: whoever comes back too often is slowed down, and nobody can bring that upon somebody else. A stranger
 * knows the victim's name and address and can present anything but the victim's own evidence, as often as it likes.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Evidence } from "../../src/decision/identity.ts";
import { type Attempt, StormGuard, type StormRates } from "../../src/enforcement/storm-guard.ts";
import { ManualClock } from "../../src/runtime/clock.ts";

const rates: StormRates = {
  perEvidence: { perSecond: 1, burst: 2 },
  perName: { perSecond: 0.5, burst: 3 },
  // Few: a stranger can flush what is remembered of evidence that was not accepted.
  remembered: 6,
};

/** Who comes no faster than both rates is nobody's storm. */
const paceMs = 1000 / Math.min(rates.perEvidence.perSecond, rates.perName.perSecond);

const secret = (name: string, value: string): Evidence => ({ type: "secret", name, secret: value });
const victim = "meter-1";
const own = secret(victim, "1x");

/** What a stranger may present: some of it looks like the victim's when it is put together without frames. */
const strange: readonly (Evidence | null)[] = [
  null,
  secret("meter-11", "x"),
  secret("meter-", "11x"),
  secret(victim, "1"),
  secret(victim, ""),
  { type: "jwt", token: "meter-11x" },
  { type: "x509", chain: [Buffer.from("meter-11x")] },
  { type: "x509", chain: [Buffer.from(victim), Buffer.from("1x")] },
  ...Array.from({ length: 12 }, (_, guess) => secret(victim, `guess ${guess}`)),
];
const addresses = ["", "10.0.0.1", "10.0.0.2"] as const;
const [, home] = addresses;

type Step =
  | { readonly do: "wait"; readonly ms: number }
  | { readonly do: "strange"; readonly attempt: Attempt; readonly times: number }
  /** Somebody with evidence of their own is accepted. */
  | { readonly do: "accepted"; readonly by: number }
  | { readonly do: "victim" };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(100, 500, 2000).map((ms): Step => ({ do: "wait", ms })) },
  {
    weight: 5,
    arbitrary: fc
      .record({
        evidence: fc.constantFrom(...strange),
        name: fc.constantFrom(victim, "meter-2"),
        address: fc.constantFrom(...addresses),
        times: fc.constantFrom(1, 5),
      })
      .map(({ times, ...attempt }): Step => ({ do: "strange", attempt, times })),
  },
  { weight: 1, arbitrary: fc.constantFrom(0, 1).map((by): Step => ({ do: "accepted", by })) },
  { weight: 2, arbitrary: fc.constant<Step>({ do: "victim" }) },
);
const stories = fc.array(step, { minLength: 30, maxLength: 80, size: "max" });

/**
 * Plays a story and returns the guard's word on each attempt of the victim, who comes at its own rate at most.
 * `from`: where the victim comes from. Strangers for whom `meet` is false stay away.
 */
function play(
  story: readonly Step[],
  {
    known,
    from,
    meet,
  }: { readonly known: boolean; readonly from: string; readonly meet: (attempt: Attempt) => boolean },
): boolean[] {
  const clock = new ManualClock(0);
  const guard = new StormGuard(clock.monotonicMs, rates);
  const self: Attempt = { evidence: own, name: victim, address: from };
  const said: boolean[] = [];
  let nextMs = 0;
  if (known) {
    guard.admits(self);
    guard.accepted(self);
  }
  for (const each of story) {
    if (each.do === "wait") clock.advance(each.ms / 1000);
    else if (each.do === "strange") {
      if (meet(each.attempt)) for (let turn = 0; turn < each.times; turn++) guard.admits(each.attempt);
    } else if (each.do === "accepted") {
      const other = { evidence: secret(`other-${each.by}`, "own"), name: `other-${each.by}`, address: home };
      guard.admits(other);
      guard.accepted(other);
    } else if (clock.monotonicMs() >= nextMs) {
      nextMs = clock.monotonicMs() + paceMs;
      said.push(guard.admits(self));
    }
  }
  return said;
}

describe("nobody is held up by somebody else", () => {
  it("who was accepted with this evidence: not even from the same address, under the same name", () => {
    fc.assert(
      fc.property(stories, fc.constantFrom(...addresses), (story, from) => {
        expect(play(story, { known: true, from, meet: () => true })).not.toContain(false);
      }),
      { numRuns: 500 },
    );
  });

  it("a newcomer: by nobody who comes from elsewhere", () => {
    fc.assert(
      fc.property(stories, (story) => {
        const meet = ({ address }: Attempt): boolean => address !== home;
        expect(play(story, { known: false, from: home, meet })).not.toContain(false);
      }),
      { numRuns: 500 },
    );
  });

  it("a newcomer whose address the dialect does not tell: by nobody at all", () => {
    fc.assert(
      fc.property(stories, (story) => {
        expect(play(story, { known: false, from: "", meet: () => true })).not.toContain(false);
      }),
      { numRuns: 500 },
    );
  });
});

describe("a storm is slowed down", () => {
  /** How many of the attempts are let through. */
  const through = (attempts: readonly Attempt[], gapMs: number, accepted: boolean): number => {
    const clock = new ManualClock(0);
    const guard = new StormGuard(clock.monotonicMs, rates);
    let count = 0;
    for (const attempt of attempts) {
      if (guard.admits(attempt)) {
        count += 1;
        if (accepted) guard.accepted(attempt);
      }
      clock.advance(gapMs / 1000);
    }
    return count;
  };
  const most = ({ burst, perSecond }: { burst: number; perSecond: number }, ms: number): number =>
    burst + Math.ceil((ms * perSecond) / 1000);

  it("of one client that comes back for ever, accepted or not", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 1, max: 400 }),
        fc.constantFrom(...addresses),
        fc.boolean(),
        (times, gapMs, address, accepted) => {
          const attempts = Array<Attempt>(times).fill({ evidence: own, name: victim, address });
          expect(through(attempts, gapMs, accepted)).toBeLessThanOrEqual(
            most(rates.perEvidence, times * gapMs),
          );
        },
      ),
    );
  });

  it("of guesses under one name from one address that is told", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 400 }), (times, gapMs) => {
        const attempts = Array.from({ length: times }, (_, turn) => ({
          evidence: secret(victim, `guess ${turn}`),
          name: victim,
          address: home,
        }));
        expect(through(attempts, gapMs, false)).toBeLessThanOrEqual(most(rates.perName, times * gapMs));
      }),
    );
  });
});
