import { describe, expect, it } from "vitest";
import type { Decision } from "../../src/decision/decision.ts";
import { shippedSnapshot } from "../shipped.ts";
import { askCore } from "./service.ts";
import { type Row, readTables, sharedTables } from "./table.ts";
import { decidedRows } from "./world.ts";

/** What a row expects, and what came, in the same words. */
export function compare(row: Row, decision: Decision): { expected: unknown; actual: unknown } {
  const obligations = decision.obligations as Readonly<Record<string, unknown>>;
  const named = Object.keys(row.obligations).map((name) => [name, obligations[name]]);
  const unwanted = row.absent.filter((name) => obligations[name] !== undefined);
  return {
    expected: { allow: row.allow, reason: row.reason, obligations: row.obligations, unwanted: [] },
    actual: {
      allow: decision.allow,
      reason: decision.reason,
      obligations: Object.fromEntries(named),
      unwanted,
    },
  };
}

const shared = sharedTables();

describe.skipIf(shared === undefined)("decision rows handed from issue to issue", () => {
  const snapshot = shippedSnapshot();
  const rows = shared === undefined ? [] : decidedRows(readTables(shared).rows);

  it("reads them all", () => {
    expect(rows.length).toBeGreaterThan(230);
  });

  it.each(rows.map((row) => [row.id, row.title, row] as const))("%s %s", async (_id, _title, row) => {
    const { expected, actual } = compare(row, await askCore(snapshot, row.facts, row.kind));
    expect(actual).toEqual(expected);
  });
});
