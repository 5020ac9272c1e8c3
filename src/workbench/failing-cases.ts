/** The cases that a bundle would fail: the service tries them too, and would refuse it. */
import type { Bundle } from "../bundle/bundle.ts";
import { readCases } from "./cases.ts";
import type { Finding } from "./finding.ts";
import { wordDifference } from "./junit.ts";
import { PolicyHost } from "./policy-host.ts";
import type { PolicyProject } from "./project.ts";
import { runCases } from "./run-cases.ts";

const because = (detail: string | undefined): string[] => (detail === undefined ? [] : [`because ${detail}`]);

/** One finding for each row of the decision tables that a bundle answers otherwise. */
export function failingCases(project: PolicyProject, bundle: Bundle): readonly Finding[] {
  return runCases(PolicyHost.of(bundle), readCases(project)).flatMap(({ row, answer, differences }) =>
    differences.length === 0
      ? []
      : [
          {
            code: "case-failed",
            file: row.file,
            row: row.row,
            col: 1,
            message: `${row.name}: ${[...differences.map(wordDifference), ...because(answer.detail)].join("; ")}`,
            fix: "mend the rule or the case; `sallyport policy explain --case` says why",
          },
        ],
  );
}
