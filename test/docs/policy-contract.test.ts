import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type CutList, instantsOf, intervalAround, sortedMarks } from "../../src/pdp/cuts.ts";
import { compileProjection } from "../../src/pdp/projection.ts";
import { entrypoints, requiredEntrypoints } from "../../src/pdp/snapshot.ts";
import { codesIn, readTables } from "./tables.ts";

const path = "docs/policy-contract.md";
const page = readFileSync(path, "utf8");
const tables = readTables(path);

/** Keywords of JSON Schema 2020-12, annotations included. */
const allKeywords = [
  ..."type properties required items additionalProperties default enum minimum maximum maxLength".split(" "),
  ..."description title $schema $id".split(" "),
  ..."allOf anyOf oneOf not if then else const contains dependentRequired dependentSchemas".split(" "),
  ..."exclusiveMaximum exclusiveMinimum format maxItems maxProperties minItems minLength".split(" "),
  ..."minProperties multipleOf pattern patternProperties prefixItems propertyNames uniqueItems".split(" "),
  ..."unevaluatedItems unevaluatedProperties readOnly writeOnly deprecated examples $ref $defs".split(" "),
];

function block(name: string): unknown {
  const found = new RegExp(`\`\`\`json ${name}\n(.*?)\`\`\``, "s").exec(page);
  if (found === null) throw new Error(`the page has no block \`${name}\``);
  return JSON.parse(found[1] as string);
}

describe("docs/policy-contract.md", () => {
  it("names every entrypoint that a bundle must have", () => {
    const named = tables.flatMap(({ cells }) => codesIn(cells["entrypoint"] ?? ""));
    for (const name of requiredEntrypoints) expect(named).toContain(name);
    for (const kind of entrypoints) expect(page).toContain(`schema \`${kind}\``);
  });

  it("names the schema keywords that the host knows, and no other", () => {
    const [sentence = ""] = /Known keywords: [^.]*\./.exec(page.replace(/\n/g, " ")) ?? [];
    const accepted = allKeywords.filter((keyword) => {
      const text = ["items", "additionalProperties"].includes(keyword);
      const list = ["required", "enum"].includes(keyword);
      const value = keyword === "type" ? "object" : text ? { type: "string" } : list ? [] : {};
      try {
        compileProjection({ type: "object", [keyword]: value });
        return true;
      } catch {
        return false;
      }
    });
    expect(codesIn(sentence).length).toBeGreaterThan(10);
    expect(codesIn(sentence).sort()).toEqual(accepted.sort());
  });

  it("works its example out as the host does", () => {
    const cuts = block("cuts") as CutList;
    const instants = instantsOf(cuts.time, block("facts"));
    const listed = tables.flatMap(({ cells }) => {
      const because = cells["because"];
      if (because === undefined) return [];
      const [fact = ""] = codesIn(because);
      return [{ fact, offset: Number(because.split("+")[1]), at: Number(cells["at"]) }];
    });
    expect(instants.map(({ fact, offset, at }) => ({ fact, offset, at }))).toEqual(listed);

    const now = 1_800_000_000;
    const valid = intervalAround(sortedMarks(instants.map(({ at }) => at)), now);
    const lag = intervalAround(sortedMarks(cuts.lag), 20);
    expect(page).toContain(`holds from ${valid.from} until ${valid.until} by the clock`);
    expect(page).toContain(`while the lag is below ${lag.until}`);
    expect(page).toContain(`**${Math.min(valid.until, now + lag.until - 20)}**`);
  });
});
