import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DecisionLog } from "../../src/log/decision-log.ts";
import type { DecisionEvent } from "../../src/log/event.ts";
import { applyMask, type MaskPolicy, maskLine } from "../../src/log/mask.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { evaluation, MemorySink, publish, repeated } from "./evaluations.ts";

function masked(event: Partial<DecisionEvent>, rules: unknown) {
  const copy = structuredClone(event) as DecisionEvent;
  applyMask(copy, () => rules);
  return copy;
}

async function logged(mask: MaskPolicy, input: unknown): Promise<MemorySink> {
  const sink = new MemorySink();
  const log = new DecisionLog({
    sink,
    clock: new ManualClock(1_700_000_000),
    labels: {},
    queueMax: 100,
    aggregateHitsS: 3600,
    mask: () => mask,
  });
  const answer = repeated(log.evaluated(evaluation(true, publish, input)));
  log.hit(answer);
  log.evaluated(evaluation(false));
  await log.close();
  return sink;
}

describe("a mask", () => {
  const event = {
    input: { a: { b: 1, c: [1, { d: 2 }] }, "x/y": 3 },
    result: { allow: true },
    reason: "ok" as const,
  };

  it.each([
    ["/input/a/b", { a: { c: [1, { d: 2 }] }, "x/y": 3 }],
    ["/input/a/c/0", { a: { b: 1, c: [{ d: 2 }] }, "x/y": 3 }],
    ["/input/a/c/1/d", { a: { b: 1, c: [1, {}] }, "x/y": 3 }],
    ["/input/x%2Fy", { a: { b: 1, c: [1, { d: 2 }] } }],
    ["/input", undefined],
  ])("removes %s and says so", (path, input) => {
    const { input: left, erased } = masked(event, [{ op: "remove", path }]);
    expect(left).toEqual(input);
    expect(erased).toEqual([path]);
    expect(masked(event, [path]).input).toEqual(input);
  });

  it.each(["/input/none", "/input/a/c/2", "/input/a/c/-1", "/input/a/b/c", "/input/a/toString"])(
    "passes over %s, which is not there",
    (path) => {
      const after = masked(event, [{ op: "remove", path }]);
      expect(after.input).toEqual(event.input);
      expect(after.erased).toBeUndefined();
    },
  );

  it("replaces, making mappings on the way", () => {
    const after = masked(event, [
      { op: "upsert", path: "/input/a/b", value: "***" },
      { op: "upsert", path: "/input/new/deep", value: 1 },
      { op: "upsert", path: "/input/a/c/9", value: 1 },
      { op: "upsert", path: "/input/__proto__/polluted", value: 1 },
      { op: "upsert", path: "/result", value: {} },
    ]);
    expect(after.input).toMatchObject({ a: { b: "***", c: [1, { d: 2 }] }, new: { deep: 1 } });
    expect(after.result).toEqual({});
    expect(after.masked).toEqual(["/input/a/b", "/input/new/deep", "/input/__proto__/polluted", "/result"]);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  it.each([
    ["evidence", [{ op: "remove", path: "/reason" }]],
    ["an unknown operation", [{ op: "hash", path: "/input/a" }]],
    ["a path without slash", ["input/a"]],
    ["no list", { op: "remove", path: "/input/a" }],
    ["no rule", [null]],
  ])("that names %s hides everything it could have meant", (_what, rules) => {
    const after = masked(event, rules);
    expect(after).toEqual({ reason: "ok", erased: ["/input", "/result"], mask_failed: true });
  });

  it("that aborts hides everything too, and the event stays", async () => {
    const sink = await logged(
      () => {
        throw new Error("trap");
      },
      { device: { id: "meter-001" } },
    );
    expect(sink.events()).toHaveLength(3);
    expect(sink.text).not.toMatch("meter-001");
    expect(sink.events()[0]).toMatchObject({ mask_failed: true, reason: "ok" });
  });

  it("applies to repeats and to the host's own denials at the same paths", async () => {
    const sink = await logged(() => ["/input/request/topic", "/input/request/client_id"], {
      request: { topic: publish.topic, client_id: "meter-001" },
    });
    expect(sink.events()).toHaveLength(3);
    expect(sink.text).not.toMatch("meter-001");
    for (const { erased } of sink.events())
      expect(erased).toEqual(["/input/request/topic", "/input/request/client_id"]);
  });
});

describe("a mask that is the same for every event", () => {
  const line = (input: unknown): string => JSON.stringify({ input, result: { allow: true } });

  it("leaves a line alone that has none of its fields", () => {
    const plain = line({ a: 1, "a.b": { c: 2 } });
    expect(maskLine(plain, ["/input/x", "/input/a/b", { op: "remove", path: "/result/secret" }])).toBe(plain);
  });

  it.each([
    ["/input/a.b", { "a.b": 1 }],
    ["/input/a%2Fb", { "a/b": 1 }],
    ["/input/a%22b", { 'a"b': 1 }],
    ["/input/%C3%A9", { é: 1 }],
    ["/input/a/0", { a: [1] }],
    ["/input/a", { a: "b", c: "\\" }],
    ["/input/", { "": 1 }],
  ])("finds what %s names", (path, input) => {
    expect(JSON.parse(maskLine(line(input), [path]))).toMatchObject({ erased: [path] });
  });

  it("finds keys that were written with escapes or spaces", () => {
    for (const text of ['{"input":{"\\u0061":1}}', '{"input" : {"a" : 1}}']) {
      expect(JSON.parse(maskLine(text, ["/input/a"]))).toEqual({ input: {}, erased: ["/input/a"] });
    }
  });

  it("hides everything when it cannot be read", () => {
    expect(JSON.parse(maskLine(line({ a: 1 }), ["/reason"]))).toEqual({
      erased: ["/input", "/result"],
      mask_failed: true,
    });
  });
});

describe("a masked field never reaches a sink", () => {
  const marker = "s3cr3t-0x5f";
  const key = fc.constantFrom(
    "a",
    "b",
    "A",
    "%41",
    "x/y",
    "0",
    "1",
    "",
    " ",
    "é",
    "__proto__",
    "length",
    "~1",
  );
  const segment = (raw: string): fc.Arbitrary<string> =>
    fc.constantFrom(...(/[/%]/.test(raw) ? [encodeURIComponent(raw)] : [raw, encodeURIComponent(raw)]));
  /** A document that holds the marker at one place, and the path of that place. */
  const hidden: fc.Arbitrary<{ value: unknown; path: string }> = fc.letrec<{
    node: { value: unknown; path: string };
  }>((tie) => ({
    node: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      fc.constant({ value: marker as unknown, path: "" }),
      fc
        .tuple(key, tie("node"), fc.dictionary(key, fc.jsonValue(), { maxKeys: 3 }))
        .chain(([name, inner, others]) =>
          segment(name).map((written) => {
            const value = Object.assign(Object.create(null) as object, others);
            Object.defineProperty(value, name, { value: inner.value, enumerable: true });
            return { value, path: `/${written}${inner.path}` };
          }),
        ),
      fc.tuple(fc.array(fc.jsonValue(), { maxLength: 3 }), tie("node")).map(([before, inner]) => ({
        value: [...before, inner.value],
        path: `/${before.length}${inner.path}`,
      })),
    ),
  })).node;

  it("wherever it is, whether it is removed or replaced, and whatever else is masked", async () => {
    const others = fc.array(fc.constantFrom("/input/none", "/result/obligations", "/input/zzz/zzz"), {
      maxLength: 2,
    });
    await fc.assert(
      fc.asyncProperty(
        hidden,
        others,
        fc.boolean(),
        fc.boolean(),
        async ({ value, path }, more, replace, constant) => {
          const rule = replace ? { op: "upsert", path: `/input/f${path}`, value: null } : `/input/f${path}`;
          const rules = [...more, rule];
          const sink = await logged(constant ? rules : () => rules, { f: value });
          expect(sink.text).not.toContain(marker);
          expect(sink.events()).toHaveLength(3);
          expect(sink.events()[0]?.["mask_failed"]).toBeUndefined();
        },
      ),
      { numRuns: 500 },
    );
  });
});
