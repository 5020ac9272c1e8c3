/** `clock-read`: only `lib/time` may read the clock, so that no comparison hides from the cuts. */
import type { Finding } from "../finding.ts";
import type { Lint } from "./lint.ts";
import { isTimeLibrary } from "./lint.ts";
import { resolve, wordPath } from "./names.ts";
import { branchesOf, locationOf, termsIn } from "./tree.ts";

const clocks: ReadonlySet<string> = new Set(["input.now", "time.now_ns"]);

/** Finds reads of the clock outside `lib/time`. */
export const clockRead: Lint = ({ files }) =>
  files
    .filter((file) => !isTimeLibrary(file))
    .flatMap(({ path, scope }) =>
      branchesOf(scope.module).flatMap(({ rule }) =>
        termsIn([rule.head, rule.body]).flatMap((term): Finding[] => {
          const steps = resolve(term, scope, new Map()) ?? refSteps(term);
          if (!clocks.has(wordPath(steps.slice(0, 2)))) return [];
          const { row, col } = locationOf(term, rule.location);
          return [
            {
              code: "clock-read",
              file: path,
              row,
              col,
              message: `\`${wordPath(steps)}\` is read outside lib/time, where the cuts cannot follow it`,
              fix: "compare through a function of lib/time, and list the comparison in the cuts",
            },
          ];
        }),
      ),
    );

function refSteps(term: { readonly type: string; readonly value: unknown }): string[] {
  if (term.type !== "ref") return [];
  return (term.value as readonly { readonly value: unknown }[]).map(({ value }) => String(value));
}
