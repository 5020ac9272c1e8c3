import { describe, expect, it } from "vitest";
import { allowReasons, denyReasons } from "../../src/decision/reasons.ts";
import { codesIn, readTables } from "./tables.ts";

const rows = readTables("docs/reasons.md").filter(({ cells }) => "code" in cells);

const under = (heading: string): string[] =>
  rows.filter((row) => row.heading === heading).map(({ cells }) => codesIn(cells["code"] ?? "")[0] ?? "");

describe("docs/reasons.md", () => {
  it("lists the allow codes, in the order of the code", () => {
    expect(under("Allow")).toEqual([...allowReasons]);
  });

  it.each(["never", "remediate", "backoff"])(
    "lists the deny codes of class %s, in the order of the code",
    (wanted) => {
      const codes = [...denyReasons].filter(([, retry]) => retry === wanted).map(([code]) => code);
      expect(codes.length).toBeGreaterThan(10);
      expect(under(`Deny: ${wanted}`)).toEqual(codes);
    },
  );

  it("lists nothing else, and nothing twice", () => {
    expect(rows.length).toBe(allowReasons.length + denyReasons.size);
  });

  it("leaves no cell empty, and words each sentence as one", () => {
    for (const { cells } of rows) {
      for (const cell of Object.values(cells)) expect(cell, JSON.stringify(cells)).not.toBe("");
      expect(cells["meaning"]).toMatch(/^[A-Z].*\.$/);
      expect(cells["how"]).toMatch(/^[A-Z].*\.$/);
    }
  });

  it("calls reserved exactly the codes of questions that do not exist yet", () => {
    const reserved = rows.filter(({ cells }) => cells["meaning"]?.endsWith("Reserved.") === true);
    const later = [...denyReasons.keys()].filter((code) => code.startsWith("operation_"));
    expect(reserved.map(({ cells }) => codesIn(cells["code"] ?? "")[0]).sort()).toEqual(later.sort());
  });
});
