import { describe, expect, it } from "vitest";
import { advisoryObligations, obligationNames, serviceObligations } from "../../src/decision/obligations.ts";
import { readVerdict, renderObligations } from "../../src/pdp/result.ts";
import { codesIn, readTables } from "./tables.ts";

const tables = readTables("docs/obligations.md");
const rows = tables.filter(({ cells }) => "name" in cells);
const named = (keep: (cells: Readonly<Record<string, string>>) => boolean): string[] =>
  rows.filter(({ cells }) => keep(cells)).map(({ cells }) => codesIn(cells["name"] ?? "")[0] ?? "");

describe("docs/obligations.md", () => {
  it("lists every obligation, in the order of the code", () => {
    expect(named(() => true)).toEqual([...obligationNames]);
  });

  it("says which are advisory and which are the service's", () => {
    expect(new Set(named(({ advisory }) => advisory === "yes"))).toEqual(advisoryObligations);
    expect(new Set(named((cells) => cells["whose duty"] === "service"))).toEqual(serviceObligations);
  });

  it("leaves no cell empty", () => {
    for (const { cells } of tables)
      for (const cell of Object.values(cells)) expect(cell, JSON.stringify(cells)).not.toBe("");
  });

  it("says what is rendered from what a policy returns", () => {
    const now = 1_800_000_000;
    const given: Record<string, unknown> = {
      session: { max_s: 600, until: now + 60 },
      reattest_within_s: 10,
      rotate_within_s: 20,
      review_within_s: 30,
      retry_at: now + 40,
    };
    const documented = tables.flatMap(({ cells }) => {
      const [from = ""] = codesIn(cells["a policy returns"] ?? "");
      const [to = ""] = codesIn(cells["an answer carries"] ?? "");
      return from === "" ? [] : [[from.split(":")[0] ?? "", to] as const];
    });
    expect(documented.map(([from]) => from)).toEqual(Object.keys(given));
    for (const [from, to] of documented) {
      const result = { allow: true, reason: "ok", findings: [], obligations: { [from]: given[from] } };
      const verdict = readVerdict(result);
      if (verdict === undefined) throw new Error(`\`${from}\` is refused`);
      expect(Object.keys(renderObligations(verdict, now))).toEqual([to]);
    }
  });
});
