import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { elementsOf, twiceNamed } from "../../src/registry/twice-named.ts";

/** A value as it is written, how many names stand twice in it, and the name that is found first. */
interface Written {
  readonly text: string;
  readonly twice: boolean;
}

// Few names, some written in two ways, some with all that could be taken for the end of a name.
const names = [
  '"a"',
  '"a"',
  '"a"',
  '"b"',
  '"b"',
  '"\\u0061"',
  '"a\\":"',
  '":"',
  '"\\\\"',
  '"__proto__"',
  '""',
  '"0"',
] as const;
const strings = [
  '"],"',
  '"{,"',
  '""',
  '"a"',
  '":"',
  '": "',
  '" :x"',
  '"\\":"',
  '"{\\"a\\":1,\\"a\\":2}"',
  '"\\\\"',
  '"é"',
] as const;
const scalar = fc
  .constantFrom(...strings, "1", "-0.5e3", "true", "null")
  .map((text) => ({ text, twice: false }));
const space = fc.constantFrom("", "", "", "", "", "", "", "", " ", "\n", "\t", "\r\n");

const { value } = fc.letrec<{ value: Written; member: readonly [string, Written] }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    { weight: 2, arbitrary: scalar },
    {
      weight: 2,
      arbitrary: fc.tuple(fc.array(tie("value"), { maxLength: 4 }), space).map(([each, gap]) => ({
        text: `[${gap}${each.map(({ text }) => text).join(`,${gap}`)}]`,
        twice: each.some(({ twice }) => twice),
      })),
    },
    {
      weight: 4,
      arbitrary: fc
        .array(fc.tuple(fc.constantFrom(...names), space, space, tie("value")), { maxLength: 4 })
        .map((members) => ({
          text: `{${members.map(([name, before, after, { text }]) => `${name}${before}:${after}${text}`).join(",")}}`,
          twice:
            members.some(([, , , { twice }]) => twice) ||
            new Set(members.map(([name]) => JSON.parse(name) as string)).size < members.length,
        })),
    },
  ),
  member: fc.tuple(fc.constantFrom(...names), tie("value")),
}));

describe("law", () => {
  it("a name that stands twice in one object is found, however it is written, and no other is", () => {
    let [found, none] = [0, 0];
    fc.assert(
      fc.property(value, ({ text, twice }) => {
        expect(twiceNamed(text, JSON.parse(text)) !== undefined).toBe(twice);
        if (twice) found += 1;
        else none += 1;
      }),
      { numRuns: Number(process.env["LAW_RUNS"] ?? 6000), size: "medium" } as fc.Parameters<[Written]>,
    );
    expect(Math.min(found, none)).toBeGreaterThan(100);
  });

  it("the elements of a list are read apart as they are together", () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 5 }), space, (each, gap) => {
        const text = `${gap}[${each.map((one) => one.text).join(`${gap},`)}${gap}]`;
        const apart = elementsOf(text).map((one) => JSON.parse(one) as unknown);
        expect(apart).toEqual(JSON.parse(text));
      }),
    );
  });
});
