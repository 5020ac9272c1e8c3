import { expect, it } from "vitest";
import { benchPolicy, quantile } from "../../src/workbench/bench/bench-policy.ts";
import { hotRules } from "../../src/workbench/bench/hot-rules.ts";
import { openBench } from "../../src/workbench/bench/open-bench.ts";
import { readCases } from "../../src/workbench/cases.ts";
import type { Sample } from "../../src/workbench/fleet-questions.ts";
import { openProject } from "../../src/workbench/project.ts";
import { describeWithOpa } from "../opa.ts";
import { opa, project, rules } from "./project.ts";

const slow = rules.replace(
  "startswith(input.request.topic, data.site.prefix)",
  "count([n | some n in numbers.range(1, 2000); n % 7 == 0]) > 0\n\tstartswith(input.request.topic, data.site.prefix)",
);

const samplesOf = (dir: string): Sample[] =>
  readCases(openProject(dir)).map(({ id, ask, facts }) => ({ from: id, ask, facts }));

describeWithOpa("policy bench", () => {
  it("measures each entrypoint that is asked, beside an empty policy", async () => {
    const dir = project({ "sallyport.rego": slow });
    const { asked, refused, ...ground } = await openBench(opa(), openProject(dir), samplesOf(dir));
    const times = benchPolicy({
      ...ground,
      inputs: asked.map(({ entrypoint, input }) => ({ ask: entrypoint, json: JSON.stringify(input) })),
      seconds: 0.05,
      nowMs: () => performance.now(),
    });
    expect([refused, times.map(({ ask, inputs }) => [ask, inputs])]).toEqual([
      0,
      [
        ["connect", 1],
        ["publish", 1],
      ],
    ]);
    const [connect, publish] = times;
    for (const each of times) {
      expect(each.p99Us).toBeGreaterThanOrEqual(each.p50Us);
      expect(each.emptyP50Us).toBeGreaterThan(0);
      expect(each.inputBytes).toBeGreaterThan(100);
    }
    // Two thousand numbers cost more than one fact, on any machine.
    expect(publish?.p50Us).toBeGreaterThan(3 * (connect?.p50Us ?? 0));
    expect(publish?.ratio).toBeGreaterThan(connect?.ratio ?? 0);
  }, 30_000);

  it("names the rule that takes longest, with its place", async () => {
    const dir = project({ "sallyport.rego": slow });
    const opened = openProject(dir);
    const { asked } = await openBench(opa(), opened, samplesOf(dir));
    const [first, ...others] = await hotRules(opa(), opened, asked, 3);
    expect(first).toMatchObject({
      file: "sallyport.rego",
      row: 11,
      text: expect.stringMatching(/^publish := \{"allow": true/),
    });
    expect(first?.share).toBeGreaterThan(0.5);
    expect(others.every(({ share }) => share < (first?.share ?? 0))).toBe(true);
  });
});

it("a quantile is a measured value", () => {
  expect([quantile([3, 1, 2], 0.5), quantile([3, 1, 2], 0.99), quantile([5], 0.5)]).toEqual([2, 3, 5]);
});

it("has something to ask, or says so", () => {
  const policy = { entrypoints: new Set<string>() } as never;
  expect(() =>
    benchPolicy({ policy, empty: policy, emptyEntrypoint: "", inputs: [], seconds: 1, nowMs: () => 0 }),
  ).toThrow(/there is nothing to ask: write decision tables, or give --fleet/);
});
