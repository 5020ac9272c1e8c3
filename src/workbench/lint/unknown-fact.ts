/** `unknown-fact`: a reference to a fact that no entrypoint declares is always undefined. */
import type { Finding } from "../finding.ts";
import type { Lint } from "./lint.ts";
import { dealias, localsOf, resolve, wordPath } from "./names.ts";
import { branchesOf, locationOf, termsIn } from "./tree.ts";

/** Finds them where OPA's types do not: in entries of maps and lists, and below variables. */
export const unknownFact: Lint = ({ files, facts, aliases }) =>
  files
    .filter(({ scope }) => !scope.package.startsWith("system."))
    .flatMap(({ path, scope }) =>
      branchesOf(scope.module).flatMap(({ rule }) => {
        const locals = localsOf(rule, scope, aliases);
        return termsIn([rule.head, rule.body]).flatMap((term): Finding[] => {
          const steps = dealias(resolve(term, scope, locals), aliases);
          if (steps?.[0] !== "input" || steps.length < 2 || facts.place(steps.slice(1)).known) return [];
          const { row, col } = locationOf(term, rule.location);
          const message = `no input schema declares \`${wordPath(steps)}\``;
          const fix =
            "correct the name, or declare the fact in schemas/: what is not declared is never passed";
          return [{ code: "unknown-fact", file: path, row, col, message, fix }];
        });
      }),
    );
