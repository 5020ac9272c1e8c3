/** `unreachable-body`: a body that cannot hold, because of a literal, or of one fact that would have two values. */
import type { Expr, Rule, Term } from "../ast.ts";
import type { Finding } from "../finding.ts";
import type { Lint } from "./lint.ts";
import { branchesOf, callOf, isTerm, locationOf, stepsOf } from "./tree.ts";

const scalars: ReadonlySet<string> = new Set(["string", "number", "boolean", "null"]);
const equalities: ReadonlySet<string> = new Set(["equal", "eq"]);
const isScalar = ({ type }: Term): boolean => scalars.has(type);
const textOf = ({ value }: Term): string => JSON.stringify(value);

/** A fact and the value that a statement wants of it. Only what is below the input is the same in every statement. */
function wanted(left: Term, right: Term): readonly [path: string, value: Term] | undefined {
  const [fact, value] = isScalar(right) ? [left, right] : [right, left];
  const steps = stepsOf(fact);
  if (!isScalar(value) || steps?.[0] !== "input" || steps.some((step) => typeof step !== "string"))
    return undefined;
  return [steps.join("."), value];
}

/** Why a statement cannot hold after those before it, whose wishes `facts` has; undefined where it may. */
function whyNot(expr: Expr, facts: Map<string, Term>): string | undefined {
  if (expr.negated === true || expr.with !== undefined) return undefined;
  if (isTerm(expr.terms) && expr.terms.type === "boolean" && expr.terms.value === false)
    return "it asks for `false`";
  const call = callOf(expr);
  const [left, right] = call?.args ?? [];
  if (left === undefined || right === undefined || !equalities.has(call?.name ?? "")) return undefined;
  if (isScalar(left) && isScalar(right))
    return textOf(left) === textOf(right) ? undefined : `${textOf(left)} is never ${textOf(right)}`;
  const [path, value] = wanted(left, right) ?? [];
  if (path === undefined || value === undefined) return undefined;
  const other = facts.get(path);
  facts.set(path, value);
  if (other === undefined || textOf(other) === textOf(value)) return undefined;
  return `\`${path}\` is not both ${textOf(other)} and ${textOf(value)}`;
}

function ofRule(path: string, rule: Rule): Finding[] {
  const facts = new Map<string, Term>();
  for (const expr of rule.body) {
    const why = whyNot(expr, facts);
    if (why === undefined) continue;
    const { row, col } = locationOf(expr, rule.location);
    const message = `this rule never holds: ${why}`;
    return [
      {
        code: "unreachable-body",
        file: path,
        row,
        col,
        message,
        fix: "remove the rule, or ask for what can be",
      },
    ];
  }
  return [];
}

/** Finds rules whose body can never hold. */
export const neverHolds: Lint = ({ files }) =>
  files.flatMap(({ path, scope }) => branchesOf(scope.module).flatMap(({ rule }) => ofRule(path, rule)));
