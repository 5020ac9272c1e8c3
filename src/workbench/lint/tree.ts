/** Walking OPA's syntax tree. */
import type { Expr, Location, Module, Rule, Term } from "../ast.ts";

/** A rule on its own: each `else` counts as one. */
export interface Branch {
  readonly rule: Rule;
  /** The rule that it is a branch of; itself for the first. */
  readonly of: Rule;
  readonly first: boolean;
}

/** Every rule and every `else` of a module. */
export function branchesOf(module: Module): Branch[] {
  return (module.rules ?? []).flatMap((of) => {
    const branches: Branch[] = [];
    for (let rule: Rule | undefined = of; rule !== undefined; rule = rule.else)
      branches.push({ rule, of, first: rule === of });
    return branches;
  });
}

const isNode = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Whether a node is a term. */
export function isTerm(value: unknown): value is Term {
  return isNode(value) && typeof value["type"] === "string" && "value" in value;
}

/** Whether a node is a statement. */
export function isExpr(value: unknown): value is Expr {
  return isNode(value) && "terms" in value;
}

/** Calls `visit` on every node below (and with) `node`, parents first; a visit that returns `false` ends there. */
export function walk(node: unknown, visit: (node: Readonly<Record<string, unknown>>) => unknown): void {
  if (Array.isArray(node)) {
    for (const each of node) walk(each, visit);
    return;
  }
  if (!isNode(node) || visit(node) === false) return;
  if (node["type"] === "ref" && Array.isArray(node["value"])) {
    // Its variable is told by the reference itself.
    for (const step of node["value"].slice(1) as unknown[]) walk(step, visit);
    return;
  }
  for (const [name, value] of Object.entries(node)) {
    if (name === "location" || name === "Location" || name === "else") continue;
    if (typeof value === "object" && value !== null) walk(value, visit);
  }
}

/** Every term below a node. */
export function termsIn(node: unknown): Term[] {
  const found: Term[] = [];
  walk(node, (each) => {
    if (isTerm(each)) found.push(each);
  });
  return found;
}

/** Every statement of a rule, in order, those inside comprehensions and `every` included; no `else`. */
export function exprsIn(rule: Rule): Expr[] {
  const found: Expr[] = [];
  walk([rule.body, rule.head], (each) => {
    if (isExpr(each)) found.push(each);
  });
  return found;
}

/** Operator and arguments of a call, in a statement or in a term. */
export interface Call {
  /** Name with dots, as in `startswith`, `neq` or `topics.name`. */
  readonly name: string;
  readonly args: readonly Term[];
}

/** The call that a statement or a term is; undefined where it is none. */
export function callOf(node: Expr | Term): Call | undefined {
  const list = "terms" in node ? node.terms : node.type === "call" ? node.value : undefined;
  if (!Array.isArray(list) || list.length === 0) return undefined;
  const [operator, ...args] = list as Term[];
  const steps = stepsOf(operator as Term);
  return steps === undefined ? undefined : { name: steps.map(String).join("."), args };
}

/** Every call below a node. */
export function callsIn(node: unknown): { readonly call: Call; readonly node: Expr | Term }[] {
  const found: { call: Call; node: Expr | Term }[] = [];
  walk(node, (each) => {
    const asked = isExpr(each) || isTerm(each) ? each : undefined;
    const call = asked === undefined ? undefined : callOf(asked);
    if (asked !== undefined && call !== undefined) found.push({ call, node: asked });
  });
  return found;
}

/** A step that is not known before the evaluation. */
export const anyStep: unique symbol = Symbol("*");

/** One step of a path. */
export type Step = string | typeof anyStep;

/** A reference or variable as steps, the first its variable; undefined where a term is something else. */
export function stepsOf(term: Term): Step[] | undefined {
  if (term.type === "var") return [term.value as string];
  if (term.type !== "ref") return undefined;
  const [head, ...rest] = term.value as readonly Term[];
  if (head?.type !== "var") return undefined;
  return [
    head.value as string,
    ...rest.map((step) => (step.type === "string" ? (step.value as string) : anyStep)),
  ];
}

/** Where something stands, or the fallback. */
export function locationOf(node: { readonly location?: Location }, fallback?: Location): Location {
  return node.location ?? fallback ?? { row: 1, col: 1 };
}
