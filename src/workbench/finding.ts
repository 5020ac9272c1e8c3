/** Something an author should mend, at a place in a file. */
import { Fault } from "../runtime/fault.ts";

/** One objection. Rows and columns count from 1. */
export interface Finding {
  /** Stable name of what is wrong, as in `clock-read`. */
  readonly code: string;
  /** Path as the author would type it, relative to the project. */
  readonly file: string;
  readonly row: number;
  readonly col: number;
  /** What is wrong: lower case, one line. */
  readonly message: string;
  /** How to mend it. */
  readonly fix?: string;
}

/** `file:row:col`, which editors and terminals make a link of. */
export function placeOf({ file, row, col }: Pick<Finding, "file" | "row" | "col">): string {
  return `${file}:${row}:${col}`;
}

/** In order of place. */
export function sortFindings(findings: readonly Finding[]): Finding[] {
  return findings.toSorted((a, b) =>
    a.file === b.file ? a.row - b.row || a.col - b.col : a.file < b.file ? -1 : 1,
  );
}

/** The cause of a fault that stands for findings. */
class Findings {
  readonly list: readonly Finding[];

  constructor(list: readonly Finding[]) {
    this.list = list;
  }
}

/** A fault that names the first finding and carries all. */
export function policyFault(findings: readonly Finding[]): Fault {
  const [first, ...more] = findings;
  if (first === undefined) return new Fault("policy_invalid", "the policy cannot be used");
  const others = more.length === 0 ? "" : ` (and ${more.length} more)`;
  const fix = first.fix === undefined ? "" : `; ${first.fix}`;
  return new Fault("policy_invalid", `${placeOf(first)}: ${first.message}${fix}${others}`, {
    cause: new Findings(findings),
  });
}

/** The findings that a thrown fault carries; none where it is about something else. */
export function findingsIn(thrown: unknown): readonly Finding[] {
  return thrown instanceof Fault && thrown.cause instanceof Findings ? thrown.cause.list : [];
}
