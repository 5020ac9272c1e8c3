/** Tables of the documentation, as data: what a test compares with the code. */
import { readFileSync } from "node:fs";

/** A row of a Markdown table by the names of its columns, under the nearest heading. */
export interface DocumentedRow {
  readonly heading: string;
  readonly cells: Readonly<Record<string, string>>;
}

function cellsOf(line: string): string[] {
  return line
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim());
}

/** Every table row of a page; a line that only looks like a row throws. */
export function readTables(path: string): DocumentedRow[] {
  const rows: DocumentedRow[] = [];
  let heading = "";
  let columns: string[] | undefined;
  for (const line of readFileSync(path, "utf8").split("\n")) {
    if (line.startsWith("#")) heading = line.replace(/^#+\s*/, "");
    if (!line.startsWith("|")) {
      columns = undefined;
      continue;
    }
    const cells = cellsOf(line);
    if (columns === undefined) columns = cells;
    else if (!/^[|\s:-]+$/.test(line)) {
      if (cells.length !== columns.length) throw new Error(`${path}: \`${line}\` has ${cells.length} cells`);
      rows.push({ heading, cells: Object.fromEntries(columns.map((name, i) => [name, cells[i] ?? ""])) });
    }
  }
  return rows;
}

/** Everything in backticks in a cell. */
export function codesIn(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code as string);
}
