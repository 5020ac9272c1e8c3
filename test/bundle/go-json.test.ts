import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { goJson } from "../../src/bundle/go-json.ts";

describe("JSON as Go writes it", () => {
  it.each([
    ['{"b":1,"a":[true,null,{}]}', '{"a":[true,null,{}],"b":1}'],
    ["[1.0,1e3,-0,12345678901234567890]", "[1.0,1e3,-0,12345678901234567890]"],
    ['"<&>\\u2028\\u00e9\\u0001\\/"', '"<&>\\u2028é\\u0001/"'],
    ['{"a":1,"a":2}', '{"a":2}'],
    ['{"\\ud83d\\ude00":1,"\\uffff":2}', '{"\uffff":2,"😀":1}'],
    ['{"__proto__":{"x":1}}', '{"__proto__":{"x":1}}'],
  ])("rewrites %s", (json, canonical) => {
    expect(goJson(json)).toBe(canonical);
  });

  it("keeps every value, whatever the spaces, and is the same again from its own result", () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(0, 1, "\t", "\n "), (json, space) => {
        const spaced = JSON.stringify(JSON.parse(json), null, space);
        const once = goJson(spaced);
        expect(JSON.parse(once)).toEqual(JSON.parse(json));
        expect(goJson(once)).toBe(once);
      }),
    );
  });

  it.each(["", "{", "[1,]", "{}x", "nul"])("refuses %j", (json) => {
    expect(() => goJson(json)).toThrow(SyntaxError);
  });
});
