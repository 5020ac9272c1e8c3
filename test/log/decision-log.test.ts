import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { setTimeout as pause } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Repeated } from "../../src/log/compose-event.ts";
import {
  DecisionLog,
  type DecisionLogOptions,
  discardDecisions,
  type SinkNews,
} from "../../src/log/decision-log.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { evaluation, MemorySink, peer, publish, repeated, tallyUp } from "./evaluations.ts";

const labels = { id: "node-1", version: "0.1.0" };

function open(options: Partial<DecisionLogOptions> = {}) {
  const sink = new MemorySink();
  const clock = new ManualClock(1_700_000_000);
  const log = new DecisionLog({
    sink,
    clock,
    labels,
    queueMax: 1000,
    aggregateHitsS: 3600,
    retryMs: [1, 2],
    ...options,
  });
  return { sink, clock, log };
}

describe("an evaluated decision", () => {
  it("is one event in OPA's format, with its input as evaluated", async () => {
    const { log, sink } = open();
    const input = {
      request: { kind: "publish", topic: "t/acme/d/meter-001/ops/power" },
      device: { id: "meter-001" },
    };
    const recorded = evaluation(true, publish, input);
    log.evaluated(recorded);
    expect(sink.text).toBe("");
    await log.flush();
    expect(sink.events()).toEqual([
      {
        labels,
        decision_id: recorded.decision.decision_id,
        bundles: { sallyport: { revision: "r1" } },
        path: "sallyport/publish",
        input,
        result: {
          allow: true,
          reason: "ok",
          findings: [],
          obligations: { session_ttl_s: 300 },
          valid_until: 1_800_000_000,
          registry_age_s: 2,
        },
        requested_by: "broker-1",
        timestamp: "2023-11-14T22:13:20.000000000Z",
        reason: "ok",
        registry_revision: 7,
        metrics: { timer_rego_query_eval_ns: 41_500 },
      },
    ]);
    await log.close();
  });

  it("is described by its question where no policy was asked, without any secret", async () => {
    const { log, sink } = open();
    log.evaluated({ ...evaluation(false), detail: "no such device" });
    await log.flush();
    expect(sink.events()[0]).toMatchObject({
      input: {
        request: { kind: "publish", topic: publish.topic, client_id: "meter-001" },
        credential: { type: "secret" },
      },
      result: { allow: false, reason: "device_unknown", detail: "no such device" },
    });
    expect(sink.text).not.toMatch("hunter2");
    await log.close();
  });

  it("cannot be broken by what a device writes into a topic", async () => {
    const { log, sink } = open();
    for (const topic of ['"\n{"forged":1}', "\ud800", "x".repeat(100_000), "\u2028"]) {
      log.evaluated(evaluation(false, { ...publish, topic }));
    }
    await log.flush();
    expect(sink.events()).toHaveLength(4);
    expect(sink.text.length).toBeLessThan(10_000);
    await log.close();
  });

  it("that cannot be composed is lost, and told", async () => {
    const { log, sink } = open();
    log.evaluated({ ...evaluation(true), inputJson: "not json" });
    log.evaluated(evaluation(true));
    await log.flush();
    expect(sink.text.split("\n")).toHaveLength(3);
    await log.close();
    const masking = open({ mask: () => () => [] });
    masking.log.evaluated({ ...evaluation(true), inputJson: "not json" });
    masking.log.evaluated(evaluation(true));
    await masking.log.flush();
    expect(tallyUp(masking.sink.events())).toEqual({ written: 1, lost: 1 });
    await masking.log.close();
  });
});

describe("repeats of a cached answer", () => {
  it("become one event per window with a count, under the id of the evaluation", async () => {
    const { log, sink, clock } = open();
    const recorded = evaluation(true);
    const answer = repeated(log.evaluated(recorded));
    for (let i = 0; i < 5; i += 1) log.hit(answer);
    clock.advance(10);
    await log.flush();
    for (let i = 0; i < 3; i += 1) log.hit(answer);
    clock.advance(10);
    await log.flush();
    await log.flush();
    const [, five, three, ...none] = sink.events();
    expect(five).toMatchObject({
      decision_id: recorded.decision.decision_id,
      count: 5,
      first: "2023-11-14T22:13:20.000000000Z",
      last: "2023-11-14T22:13:30.000000000Z",
      input: { request: { topic: publish.topic } },
      result: { allow: true, reason: "ok" },
      requested_by: "broker-1",
    });
    expect(three).toMatchObject({ count: 3, first: "2023-11-14T22:13:30.000000000Z" });
    expect(none).toEqual([]);
    await log.close();
  });

  it("are written when the window ends, without anybody asking", async () => {
    const { log, sink } = open({ aggregateHitsS: 0.02 });
    const answer = repeated(log.evaluated(evaluation(true)));
    log.hit(answer);
    await expect.poll(() => sink.events().length).toBe(2);
    await log.close();
  });

  it("are events of their own for a denial whose id is given", async () => {
    const { log, sink } = open();
    const recorded = evaluation(false);
    const answer = repeated(log.evaluated(recorded));
    log.hit(answer, "a");
    log.hit(answer, "b");
    log.hit(answer);
    await log.close();
    expect(
      sink
        .events()
        .slice(1)
        .map(({ decision_id, count }) => [decision_id, count]),
    ).toEqual([
      ["a", 1],
      ["b", 1],
      [recorded.decision.decision_id, 1],
    ]);
  });

  it("do not exist for commands", async () => {
    const { log } = open();
    const command = {
      kind: "command",
      device_id: "d",
      command: "reboot",
      actor: { token: "hunter2" },
      approvals: [],
      break_glass: null,
    } as const;
    expect(log.evaluated(evaluation(true, command))).toBeUndefined();
    await log.close();
    expect(discardDecisions.evaluated(evaluation(true))).toBeUndefined();
  });
});

describe("a sink that does not keep up", () => {
  it("never makes a decision wait, and what was lost is told as soon as it takes a line", async () => {
    const { log, sink } = open({ queueMax: 10 });
    let release = (): void => undefined;
    sink.before = () => new Promise((resolve) => (release = resolve));
    log.evaluated(evaluation(true));
    await expect.poll(() => sink.writes).toBe(1);
    for (let i = 0; i < 25; i += 1) log.evaluated(evaluation(true));
    sink.before = () => Promise.resolve();
    release();
    await log.flush();
    const events = sink.events();
    expect(tallyUp(events)).toEqual({ written: 11, lost: 15 });
    expect(events.at(-1)).toMatchObject({ type: "loss", lost: 15, labels });
    expect(log.counters).toEqual({ written: 11, lost: 15 });
    await log.close();
  });

  it("is said to fail once, and to work again once", async () => {
    const news: SinkNews[] = [];
    const listen = (message: unknown): void => void news.push(message as SinkNews);
    subscribe("sallyport:log:sink", listen);
    const { log, sink } = open();
    let failures = 5;
    sink.before = () => (failures-- > 0 ? Promise.reject(new Error("disk full")) : Promise.resolve());
    log.evaluated(evaluation(true));
    await log.flush();
    unsubscribe("sallyport:log:sink", listen);
    expect(news.map(({ works }) => works)).toEqual([false, true]);
    expect(sink.events()).toHaveLength(1);
    await log.close();
  });

  it("does not hold up the end beyond its deadline; what it did not take is counted", async () => {
    const { log, sink } = open();
    sink.before = () => Promise.reject(new Error("disk full"));
    const answer = repeated(log.evaluated(evaluation(true)));
    log.hit(answer);
    log.hit(answer);
    await log.close(1000);
    expect(log.counters).toEqual({ written: 0, lost: 3 });
    expect(sink.closed).toBe(true);
    const stuck = open();
    stuck.sink.before = () => pause(60_000, undefined, { ref: false });
    stuck.log.evaluated(evaluation(true));
    const start = performance.now();
    await stuck.log.close(50);
    expect(performance.now() - start).toBeLessThan(5000);
    expect(stuck.log.counters.lost).toBe(1);
    stuck.log.evaluated(evaluation(true));
    stuck.log.hit(answer);
    expect(stuck.log.counters.lost).toBe(3);
  });

  it("shows in the metrics", async () => {
    const { log } = open();
    log.evaluated(evaluation(true));
    const waiting = log.metrics().find(({ name }) => name.endsWith("_waiting"));
    expect(waiting?.read()).toEqual([{ labels: {}, value: 1 }]);
    await log.flush();
    expect(waiting?.read()).toEqual([{ labels: {}, value: 0 }]);
    expect(log.metrics()[0]?.read()).toContainEqual({ labels: { outcome: "written" }, value: 1 });
    await log.close();
  });
});

type Step = "allow" | "deny" | "command" | "hit" | "window" | "turn" | "fail" | "work" | "slow";
const command = {
  kind: "command",
  device_id: "d",
  command: "reboot",
  actor: null,
  approvals: [],
  break_glass: null,
} as const;

describe("nothing is lost silently", () => {
  it("whatever the sink does: written and lost add up to what was recorded, in the log and in the counters", async () => {
    const step = fc.constantFrom<Step>(
      "allow",
      "allow",
      "deny",
      "command",
      "hit",
      "hit",
      "hit",
      "window",
      "turn",
      "fail",
      "work",
      "slow",
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { size: "max", maxLength: 300 }),
        fc.integer({ min: 1, max: 8 }),
        async (steps, queueMax) => {
          const { log, sink, clock } = open({ queueMax, aggregateHitsS: 0.002 });
          const answers: Repeated[] = [];
          let recorded = 0;
          for (const [index, what] of steps.entries()) {
            if (what === "fail") sink.before = () => Promise.reject(new Error("no"));
            else if (what === "work") sink.before = () => Promise.resolve();
            else if (what === "slow") sink.before = () => pause(1);
            else if (what === "turn") await pause(0);
            else if (what === "window") await pause(3);
            else if (what === "hit") {
              const answer = answers[index % Math.max(1, answers.length)];
              if (answer === undefined) continue;
              log.hit(answer, index % 5 === 0 ? `again-${index}` : undefined);
              recorded += 1;
            } else {
              const tally = log.evaluated(
                evaluation(what !== "deny", what === "command" ? command : publish),
              );
              recorded += 1;
              if (tally !== undefined) answers.push(repeated(tally));
            }
            clock.advance(1);
          }
          sink.before = () => Promise.resolve();
          await log.close();
          const told = tallyUp(sink.events());
          expect(told.written + told.lost).toBe(recorded);
          expect(log.counters).toEqual(told);
        },
      ),
      { numRuns: 60 },
    );
  });
});

it("peers are named, not described", async () => {
  const { log, sink } = open();
  log.evaluated(evaluation(true));
  await log.close();
  expect(sink.events()[0]?.["requested_by"]).toBe(peer.name);
  expect(sink.text).not.toMatch(peer.endpoint);
});
