import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AnswerCache, type SteadyQuery } from "../../src/client/answer-cache.ts";
import type { Memory } from "../../src/client/memory.ts";
import type { Reading } from "../../src/coherence/client-lease.ts";
import type { Decision } from "../../src/decision/decision.ts";
import type { Subject } from "../../src/decision/query.ts";
import { ManualClock } from "../../src/runtime/clock.ts";

const decision = (id: number): Decision => ({
  allow: true,
  reason: "ok",
  findings: [],
  obligations: {},
  bundle_revision: "b",
  registry_revision: 1,
  registry_age_s: 0,
  decision_id: `d-${id}`,
  cached: false,
  rests_on: [],
});
const subjectOf = (device: number): Subject => ({
  client_id: `m${device}`,
  proof: { type: "secret", name: `m${device}`, secret: "s" },
});
const questionOf = (subject: Subject, question: number): SteadyQuery =>
  question < 3
    ? { kind: "publish", subject, topic: `t/${question % 2}`, qos: 0, retain: question === 2 }
    : { kind: "subscribe", subject, filter: `t/${question % 2}`, qos: 1 };

/** The same without any cleverness: a list of everything that was kept. */
interface Kept {
  readonly device: number;
  readonly question: number;
  readonly id: number;
  readonly memory: Memory;
  readonly from: Reading;
  readonly usableMs: number;
  readonly aloneMs: number;
  readonly restsOn: readonly string[];
}

const device = fc.nat({ max: 1 });
const question = fc.nat({ max: 4 });
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant("find" as const), device, question, same: fc.boolean() }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("keep" as const),
      device,
      question,
      usableMs: fc.constantFrom(1000, 60_000),
      aloneMs: fc.constantFrom(0, 5000),
      shared: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("change" as const),
      record: fc.constantFrom("m0", "m1", "all", "everything"),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("pass" as const), seconds: fc.constantFrom(0.5, 2, 9) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("renew" as const) }) },
  // The wall clock alone: set, or gone on while the machine slept.
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("jump" as const), seconds: fc.constantFrom(-9, 2, 9) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("end" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("alone" as const) }) },
);

describe("law", () => {
  it("the cache of a client answers as a list of everything that was kept would", () => {
    const seen = { hits: 0, alone: 0, misses: 0 };
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 60, size: "max" }), (steps) => {
        const clock = new ManualClock(1_800_000_000);
        const cache = new AnswerCache(clock, 100, 100);
        const subjects = [0, 1, 2].map(subjectOf);
        let memory = cache.memory();
        memory.lease.granted(memory.lease.renew(cache.reading()), 5000);
        let leased: Reading | undefined = cache.reading();
        /** The longer of what both clocks show. */
        const since = (from: Reading): number => {
          const { monotonicMs, wallMs } = cache.reading();
          return Math.max(monotonicMs - from.monotonicMs, wallMs - from.wallMs);
        };
        let alone = false;
        let kept: Kept[] = [];
        let ids = 0;
        for (const each of steps) {
          // Without any node nothing is heard.
          if (alone && ["renew", "keep", "change", "alone"].includes(each.do)) continue;
          if (each.do === "pass") clock.advance(each.seconds);
          else if (each.do === "jump") clock.setWall(clock.now() + each.seconds);
          else if (each.do === "renew") {
            memory.lease.granted(memory.lease.renew(cache.reading()), 5000);
            leased = cache.reading();
          } else if (each.do === "end") {
            // A stream ends and another one is up at once.
            cache.ended(memory);
            memory = cache.memory();
            cache.heard();
            [kept, alone, leased] = [[], false, undefined];
          } else if (each.do === "alone") {
            // The stream ends and no node can be reached; what comes later is of another one.
            cache.ended(memory);
            cache.standAlone(new Set(["publish"]));
            alone = true;
            leased = undefined;
          } else if (each.do === "change") {
            memory.changed(1, each.record === "everything" ? [] : [each.record]);
            const touched = new Set(
              kept
                .filter(({ restsOn }) => each.record === "everything" || restsOn.includes(each.record))
                .map((one) => one.device),
            );
            kept = kept.filter((one) => !touched.has(one.device));
          } else if (each.do === "keep") {
            const restsOn = each.shared ? [`m${each.device}`, "all"] : [`m${each.device}`];
            const query = questionOf(subjects[each.device] as Subject, each.question);
            const { aloneMs, usableMs } = each;
            ids += 1;
            cache.keep(memory, query, decision(ids), cache.reading(), { aloneMs, usableMs }, restsOn);
            const own = {
              device: each.device,
              question: each.question,
              id: ids,
              memory,
              from: cache.reading(),
            };
            // What a subject rests on is what any of its answers does.
            const all = kept.some((one) => one.device === each.device && one.restsOn.includes("all"));
            const rests = all && !each.shared ? [...restsOn, "all"] : restsOn;
            kept = [
              ...kept
                .filter((one) => one.device !== each.device || one.question !== each.question)
                .map((one) => (one.device === each.device ? { ...one, restsOn: rests } : one)),
              { ...own, usableMs, aloneMs, restsOn: rests },
            ];
          } else {
            const subject = each.same ? (subjects[each.device] as Subject) : subjectOf(each.device);
            const query = questionOf(subject, each.question);
            const one = kept.find((any) => any.device === each.device && any.question === each.question);
            const age = one === undefined ? 0 : since(one.from);
            const live = leased !== undefined && since(leased) < 5000 && age < (one?.usableMs ?? 0);
            const lone = alone && query.kind === "publish" && age < (one?.aloneMs ?? 0);
            const expected = one !== undefined && (live || lone) ? `d-${one.id}` : undefined;
            expect(cache.find(query)?.decision_id).toBe(expected);
            if (expected === undefined) seen.misses += 1;
            else if (live) seen.hits += 1;
            else seen.alone += 1;
          }
        }
      }),
      { numRuns: Number(process.env["LAW_RUNS"] ?? 600) },
    );
    // Far below what 600 runs usually bring: some questions of each sort were asked.
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(20);
  });
});
