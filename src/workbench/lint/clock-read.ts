/** `clock-read`: only `lib/time` may read the clock, so that no comparison hides from the cuts. */
import type { Term } from "../ast.ts";
import type { Finding } from "../finding.ts";
import type { Lint } from "./lint.ts";
import { isTimeLibrary } from "./lint.ts";
import { resolve, wordPath } from "./names.ts";
import { branchesOf, type Call, callsIn, locationOf, termsIn } from "./tree.ts";

const clocks: ReadonlySet<string> = new Set(["input.now", "time.now_ns"]);

/** Builtins that take the decision time where their options, an argument of that place, name no other. */
const timed: Readonly<Record<string, readonly [argument: number, option: string] | undefined>> = {
  "crypto.x509.parse_and_verify_certificates": [Number.POSITIVE_INFINITY, ""],
  "crypto.x509.parse_and_verify_certificates_with_options": [1, "CurrentTime"],
  "io.jwt.decode_verify": [1, "time"],
};

/** Whether a call is judged at the decision time. Options that are no literal object may say anything. */
function readsClock({ name, args }: Call): boolean {
  const place = Object.hasOwn(timed, name) ? timed[name] : undefined;
  if (place === undefined) return false;
  const options = args[place[0]];
  if (options?.type !== "object") return true;
  const pairs = options.value as readonly (readonly [Term, Term])[];
  return !pairs.some(([key]) => key.type === "string" && key.value === place[1]);
}

const inCalls: Lint = ({ files }) =>
  files
    .filter((file) => !isTimeLibrary(file))
    .flatMap(({ path, scope }) =>
      branchesOf(scope.module).flatMap(({ rule }) =>
        callsIn([rule.head, rule.body]).flatMap(({ call, node }): Finding[] => {
          if (!readsClock(call)) return [];
          const { row, col } = locationOf(node, rule.location);
          const option = timed[call.name]?.[1];
          const message = `\`${call.name}\` judges by the clock, where the cuts cannot follow it`;
          const fix = option
            ? `give it a moment of the facts as \`${option}\`, and compare what expires through lib/time`
            : "use `..._with_options` with `CurrentTime`, and compare what expires through lib/time";
          return [{ code: "clock-read", file: path, row, col, message, fix }];
        }),
      ),
    );

const inReferences: Lint = ({ files }) =>
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

/** Finds reads of the clock outside `lib/time`, those of builtins included. */
export const clockRead: Lint = (project) => [...inReferences(project), ...inCalls(project)];
