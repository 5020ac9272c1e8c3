/** What fuzzing found as JUnit XML: a test for each invariant. */
import { renderSuites, type XmlCase } from "../junit.ts";
import type { Counterexample, FuzzReport } from "./fuzz-policy.ts";
import type { Statement } from "./invariants.ts";
import { builtIn } from "./judge.ts";

/** A counterexample in lines: where it starts, what is changed, and what was answered. */
export function wordCounterexample({
  invariant,
  from,
  ask,
  twists,
  change,
  allow,
  reason,
  findings,
  detail,
}: Counterexample): string[] {
  const lines = [`${ask} of ${from}`];
  for (const { path, value } of twists)
    lines.push(value === undefined ? `without ${path}` : `with ${path} = ${JSON.stringify(value)}`);
  if (change !== undefined && "harm" in change && invariant !== builtIn.harm)
    lines.push(`with the harm \`${change.harm}\``);
  const found = findings.length === 0 ? "" : ` (${findings.join(", ")})`;
  lines.push(`answers ${allow ? "ALLOW" : "DENY"} ${reason}${found}`);
  if (change !== undefined && "absent" in change) lines.push(`and allows without ${change.absent}`);
  else if (change !== undefined && invariant === builtIn.harm)
    lines.push(`and allows after the harm \`${change.harm}\``);
  if (detail !== undefined) lines.push(`because ${detail}`);
  return lines;
}

/** The report as XML text. */
export function renderFuzzJunit(
  report: FuzzReport,
  statements: readonly Statement[],
  seconds: number,
): string {
  const all = [
    ...statements,
    ...Object.values(builtIn).map((text): Statement => ({ text, file: "invariants", row: 1 })),
  ];
  const cases = all.map(({ text, file, row }): XmlCase => {
    const found = report.counterexamples.find(({ invariant }) => invariant === text);
    const lines = found === undefined ? [] : [...wordCounterexample(found), `seed ${report.seed}`];
    return {
      suite: "invariants",
      name: text,
      file,
      line: row,
      seconds: seconds / all.length,
      failure: found === undefined ? undefined : lines.join("\n"),
      skipped: false,
    };
  });
  return renderSuites("sallyport policy fuzz", cases);
}
