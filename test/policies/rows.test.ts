import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { answerRow, render } from "./harness.ts";
import { matrix, matrixPath } from "./matrix.ts";
import { matrixRows, ownRows, type Row, sharedRows } from "./tables.ts";

/** Own decision tables (`policies/cases`), and the shared ones where they are present, on the compiled Wasm. */
function table(name: string, rows: readonly Row[]): void {
  describe(name, () => {
    it.each(rows.map((row) => [`${row.id} ${row.title}`, row] as const))("%s", (_, row) => {
      const answer = answerRow(row);
      const obligations = render(answer.obligations, row.facts["now"] as number);
      expect({ allow: answer.allow, reason: answer.reason }, JSON.stringify(answer)).toEqual({
        allow: row.expect.allow,
        reason: row.expect.reason,
      });
      expect(obligations).toMatchObject(row.expect.obligations ?? {});
      for (const name of row.expect.absent ?? []) expect(obligations).not.toHaveProperty(name);
      if (row.expect.findings !== undefined) expect(answer.findings).toEqual(row.expect.findings);
    });
  });
}

table("own decision tables", ownRows);

it("every model in every state of the lifecycle, asked every kind", () => {
  expect(readFileSync(matrixPath, "utf8"), "run `npx tsx test/policies/matrix.ts`").toBe(matrix());
  const wrong = matrixRows.flatMap((row) => {
    const { reason } = answerRow(row);
    return reason === row.expect.reason ? [] : [`${row.title}: ${reason}, not ${row.expect.reason}`];
  });
  expect(wrong).toEqual([]);
  expect(matrixRows.length).toBe(5 * 17 * 6);
});

describe.skipIf(sharedRows.length === 0)("shared decision rows", () => table("rows", sharedRows));
