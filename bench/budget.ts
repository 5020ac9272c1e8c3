/** What was measured beside what it may be. */

/** One figure and its budget. */
export interface Line {
  readonly what: string;
  readonly measured: number;
  readonly budget: number;
  /** Whether more is better. */
  readonly atLeast: boolean;
  readonly unit: string;
}

/** The lines as a table. */
export function budgetRows(lines: readonly Line[]): Record<string, string | number | boolean>[] {
  return lines.map(({ atLeast, budget, measured, unit, what }) => ({
    what,
    measured: Number(measured.toFixed(3)),
    budget: `${atLeast ? ">=" : "<="} ${budget}`,
    unit,
    met: atLeast ? measured >= budget : measured <= budget,
  }));
}
