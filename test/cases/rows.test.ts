import { describe, expect, it } from "vitest";
import { shippedSnapshot } from "../shipped.ts";
import { compare } from "./compare.ts";
import { matrixWorldRows, ownWorldRows } from "./own-rows.ts";
import { askCore } from "./service.ts";
import { readTables, sharedTables } from "./table.ts";
import { decidedRows } from "./world.ts";

it("our own decision tables, asked of the core", async () => {
  const snapshot = shippedSnapshot();
  for (const row of [...ownWorldRows, ...matrixWorldRows]) {
    const { expected, actual } = compare(row, await askCore(snapshot, row.facts, row.kind));
    expect(actual, `${row.id} ${row.title}`).toEqual(expected);
  }
  expect(ownWorldRows.length + matrixWorldRows.length).toBeGreaterThan(800);
}, 60_000);

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
