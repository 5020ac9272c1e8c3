import { expect, it } from "vitest";
import { judge } from "./judge.ts";
import { readSubset } from "./subset.ts";

const { version, cases } = readSubset();

it("the committed cases of OPA are many, of many areas", () => {
  expect(version).toMatch(/^v\d+\.\d+\.\d+$/);
  expect(cases.length).toBeGreaterThan(100);
  expect(new Set(cases.map(({ area }) => area)).size).toBeGreaterThan(100);
});

it.each(cases.map((each) => [`${each.area}: ${String(each.one.get("note"))}`, each] as const))(
  "OPA's case %s",
  (_, { one, wasm }) => {
    expect(judge(wasm, one)).toBeUndefined();
  },
);

it("a case whose result is another does not pass", () => {
  const told = cases.find(({ one }) => one.has("want_result"));
  const other = new Map([...(told?.one ?? []), ["want_result", [new Map([["x", "something else"]])]]]);
  expect(judge(told?.wasm ?? new Uint8Array(), other as never)).toMatch(/^expected/);
});
