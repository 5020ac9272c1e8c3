/** The page about conformance. */
import { reasonFor } from "./reasons.ts";

/** What became of one case. */
export interface Outcome {
  readonly area: string;
  readonly note: string;
  /** Undefined where it passed. */
  readonly failure: string | undefined;
}

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");

/** Markdown: totals by area, and each failure with its reason. */
export function report(version: string, outcomes: readonly Outcome[]): string {
  const areas = new Map<string, Outcome[]>();
  for (const outcome of outcomes) areas.set(outcome.area, [...(areas.get(outcome.area) ?? []), outcome]);
  const passes = (list: readonly Outcome[]): number =>
    list.filter(({ failure }) => failure === undefined).length;
  const table = [...areas].map(([area, list]) => `| ${area} | ${passes(list)} | ${list.length} |`);
  const failed = outcomes.filter(({ failure }) => failure !== undefined);
  const listed = failed.map(
    ({ note, failure }) => `| ${cell(note)} | ${cell(reasonFor(note, failure as string))} |`,
  );
  return `# Conformance with OPA

OPA's own cases (\`v1/test/cases/testdata/v1\` of its Go module, version ${version}), compiled to Wasm by OPA's
compiler with the query as entrypoint, as OPA's own end-to-end test of its Wasm SDK does it, and evaluated by the
engine of this service. \`npm run conformance\` writes this page; it needs Go.

**${passes(outcomes)} of ${outcomes.length} cases pass.** Where a case wants an error that only strict mode shows, it
passes when the result is undefined: a compiled policy has no strict mode. Error texts are not compared.

## By area
| area | pass | of |
| --- | ---: | ---: |
${table.join("\n")}

## What does not pass, and why
| case | reason |
| --- | --- |
${listed.join("\n")}
`;
}
