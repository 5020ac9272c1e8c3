/** Aligned lines for people. */
import { styleText } from "node:util";
import { visible } from "./visible.ts";

/** How a word is emphasised; on a terminal only, and not where NO_COLOR is set. */
export type Tone = "good" | "bad" | "quiet";

/** Text for standard output, emphasised where that is a terminal with colours (NO_COLOR, TERM=dumb: none). */
export function emphasise(tone: Tone, text: string): string {
  if (!process.stdout.isTTY || !process.stdout.hasColors()) return text;
  switch (tone) {
    case "good":
      return styleText(["bold", "green"], text);
    case "bad":
      return styleText(["bold", "red"], text);
    case "quiet":
      return styleText("dim", text);
  }
}

/** A label and one or more lines that belong to it. */
export type Row = readonly [label: string, ...lines: string[]];

/** Width of the label column, so that rows rendered apart stand under each other. */
const leastWidth = 11;

/** Rows under each other, labels in a column; rows without lines are left out. Control characters are shown, not obeyed. */
export function renderRows(rows: readonly Row[]): string {
  const width = Math.max(leastWidth, ...rows.map(([label]) => visible(label).length));
  return rows
    .flatMap(([label, ...lines]) =>
      lines.map((line, at) => {
        const shown = visible(label);
        const head =
          at === 0 ? emphasise("quiet", shown) + " ".repeat(width - shown.length) : " ".repeat(width);
        return `  ${head}  ${visible(line)}\n`;
      }),
    )
    .join("");
}

/** Cells as lines, each column as wide as its widest cell. */
export function alignCells(table: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of table) {
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, visible(cell).length);
  }
  return table.map((row) =>
    row
      .map((cell, at) => visible(cell).padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
