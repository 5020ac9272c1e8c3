/** Which parts of the sources tests and tables evaluated together. */
import type { FileCoverage, LineRange } from "./opa-eval.ts";

/** Expressions of one file, by place. */
export interface CoveredFile {
  readonly file: string;
  readonly covered: number;
  readonly total: number;
  /** Rows with an expression that nothing evaluated. */
  readonly missed: readonly number[];
}

/** Coverage of a project; `percent` to one decimal. */
export interface Coverage {
  readonly percent: number;
  readonly files: readonly CoveredFile[];
}

type Report = Readonly<Record<string, FileCoverage>>;

const placeOf = ({ start, end }: LineRange): string =>
  `${start.row}:${start.col ?? 0}-${end.row}:${end.col ?? 0}`;

function round(covered: number, total: number): number {
  return total === 0 ? 100 : Math.floor((covered / total) * 1000) / 10;
}

/** Joins reports: an expression counts as covered where any run evaluated it. Tests are not counted. */
export function joinCoverage(reports: readonly Report[]): Coverage {
  const names = new Set(reports.flatMap((report) => Object.keys(report)));
  const files = [...names]
    .filter((name) => !name.endsWith("_test.rego"))
    .sort()
    .map((file): CoveredFile => {
      const places = new Map<string, { row: number; covered: boolean }>();
      const note = (ranges: readonly LineRange[] | undefined, covered: boolean): void => {
        for (const range of ranges ?? []) {
          const before = places.get(placeOf(range));
          places.set(placeOf(range), { row: range.start.row, covered: covered || before?.covered === true });
        }
      };
      for (const report of reports) {
        note(report[file]?.covered, true);
        note(report[file]?.not_covered, false);
      }
      const all = [...places.values()];
      const missed = new Set(all.filter(({ covered }) => !covered).map(({ row }) => row));
      return {
        file,
        covered: all.filter(({ covered }) => covered).length,
        total: all.length,
        missed: [...missed].sort((a, b) => a - b),
      };
    });
  const covered = files.reduce((sum, file) => sum + file.covered, 0);
  const total = files.reduce((sum, file) => sum + file.total, 0);
  return { percent: round(covered, total), files };
}
