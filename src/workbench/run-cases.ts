/** Asks every row of the decision tables and compares, field by field. */
import { canonical } from "./canonical.ts";
import type { CaseRow } from "./cases.ts";
import type { Asked } from "./opa-eval.ts";
import type { HostAnswer, PolicyHost } from "./policy-host.ts";

/** One field that is not as the row says. */
export interface Difference {
  readonly field: string;
  readonly expected: unknown;
  readonly actual: unknown;
}

/** What became of one row. */
export interface CaseOutcome {
  readonly row: CaseRow;
  readonly answer: HostAnswer;
  /** Empty: as expected. */
  readonly differences: readonly Difference[];
}

function differencesOf({ expect }: CaseRow, answer: HostAnswer): Difference[] {
  const found: Difference[] = [];
  const compare = (field: string, expected: unknown, actual: unknown): void => {
    if (canonical(expected) !== canonical(actual)) found.push({ field, expected, actual });
  };
  compare("allow", expect.allow, answer.allow);
  compare("reason", expect.reason, answer.reason);
  const obligations = answer.obligations as Readonly<Record<string, unknown>>;
  for (const [name, value] of Object.entries(expect.duties))
    compare(`obligations.${name}`, value, obligations[name]);
  for (const name of expect.never) compare(`obligations.${name}`, undefined, obligations[name]);
  if (expect.findings !== undefined) compare("findings", expect.findings, answer.findings);
  return found;
}

/** Asks the rows in turn, on the compiled module. */
export function runCases(host: PolicyHost, rows: readonly CaseRow[]): readonly CaseOutcome[] {
  return rows.map((row) => {
    const answer = host.decide(row.ask, row.facts);
    return { row, answer, differences: differencesOf(row, answer) };
  });
}

/** The rows that reached the policy, as questions for OPA, with where each came from. */
export function askedOf(outcomes: readonly CaseOutcome[]): { outcome: CaseOutcome; asked: Asked }[] {
  return outcomes.flatMap((outcome) => {
    const { row, answer } = outcome;
    return answer.input === undefined
      ? []
      : [{ outcome, asked: { entrypoint: row.ask, input: answer.input } }];
  });
}

/** A row that OPA answers otherwise than the compiled module. */
export interface Divergence {
  readonly row: CaseRow;
  readonly wasm: unknown;
  readonly opa: unknown;
}

/** Compares what the module returned with what OPA did. */
export function divergences(
  asked: readonly { outcome: CaseOutcome; asked: Asked }[],
  values: readonly unknown[],
): Divergence[] {
  return asked.flatMap(({ outcome: { row, answer } }, at) =>
    canonical(answer.result) === canonical(values[at]) ? [] : [{ row, wasm: answer.result, opa: values[at] }],
  );
}
