/**
 * Rules that fail open on an absent fact (FACTS rule 1: in Rego, what is undefined disables the rule that denies).
 * `absent-opens`: in a rule that denies, a comparison or `not f(x)` is undefined where its fact is absent, so that the
 * denial does not happen: OPA takes the operands of a call out of the `not`, and what is undefined there ends the rule.
 * `negated-fact`: `not input.a` and `not input.a == 1` hold where it is absent. `negated-call`: `not f(x)` holds where
 * `x` is null.
 */
import { isDenyReason } from "../../decision/reasons.ts";
import type { Expr, Location, Rule, Term } from "../ast.ts";
import type { Finding } from "../finding.ts";
import type { Lint, LintFile, LintProject } from "./lint.ts";
import { dealias, type Locals, localsOf, resolve, wordPath } from "./names.ts";
import {
  anyStep,
  branchesOf,
  callOf,
  callsIn,
  exprsIn,
  isTerm,
  locationOf,
  type Step,
  stepsOf,
  termsIn,
} from "./tree.ts";

const comparisons: ReadonlySet<string> = new Set(["lt", "lte", "gt", "gte", "neq", "equal", "eq"]);
const equalities: ReadonlySet<string> = new Set(["equal", "eq"]);
const arithmetic: ReadonlySet<string> = new Set(["plus", "minus", "mul", "div", "rem"]);
/** Functions that say whether something is there, and are defined whatever it is. */
const presence = /^is_(?:object|string|number|boolean|array|set|null)$|^object\.get$/;

interface Reading {
  readonly file: LintFile;
  readonly project: LintProject;
  readonly rule: Rule;
  readonly locals: Locals;
  /** Paths that statements of the rule need: where one is absent the rule is undefined anyway. */
  readonly needed: readonly string[];
  /** Paths that the rule asks about with `is_object(...)`, `!= null` and the like, or calculates with. */
  readonly asked: readonly string[];
}

function pathOf(
  term: Term,
  { file, project, locals }: Omit<Reading, "needed" | "asked">,
): readonly Step[] | undefined {
  const path = dealias(resolve(term, file.scope, locals), project.aliases);
  return path?.[0] === "input" && path.length > 1 ? path : undefined;
}

/** The path of the input that a term is and that may be absent, or be there and null, where the rule goes on. */
function shaky(term: Term, reading: Reading, looked: "absent" | "null"): string | undefined {
  const path = pathOf(term, reading);
  if (path === undefined) return undefined;
  const head = stepsOf(term)?.[0];
  // A variable has a value, so that only what is below it may be absent.
  const present = typeof head === "string" ? (reading.locals.get(head)?.length ?? 1) : 1;
  const { known, gaps } = reading.project.facts.place(path.slice(1));
  const open = gaps.some(({ length, nullable }) => {
    const isNull = nullable && length + 1 === path.length;
    if (isNull !== (looked === "null")) return false;
    if (length + 1 <= present && !(isNull && term.type !== "var")) return false;
    const place = wordPath(path.slice(0, length + 1));
    if (reading.asked.includes(place)) return false;
    const below = (each: string): boolean => each.startsWith(`${place}.`);
    return (
      !reading.needed.some((each) => below(each) || (!nullable && each === place)) &&
      !reading.asked.some(below)
    );
  });
  return known && open ? wordPath(path) : undefined;
}

function finding(
  { file, rule }: Reading,
  code: string,
  at: { readonly location?: Location },
  message: string,
  fix: string,
): Finding {
  const { row, col } = locationOf(at, rule.location);
  return { code, file: file.path, row, col, message, fix };
}

function negations(reading: Reading, expr: Expr): Finding[] {
  if (expr.negated !== true) return [];
  const call = callOf(expr);
  if (call === undefined) {
    const term = isTerm(expr.terms) ? expr.terms : undefined;
    // `not map[key]` asks whether there is an entry, which is what it means.
    if (term === undefined || pathOf(term, reading)?.at(-1) === anyStep) return [];
    const path = shaky(term, reading, "absent");
    if (path === undefined) return [];
    const message = `\`not ${path}\` holds as well where the fact is absent`;
    return [
      finding(reading, "negated-fact", expr, message, "compare with the value that you mean, as `== false`"),
    ];
  }
  if (presence.test(call.name)) return [];
  const looked = equalities.has(call.name) ? "absent" : "null";
  const path = call.args.map((arg) => shaky(arg, reading, looked)).find((each) => each !== undefined);
  if (path === undefined) return [];
  const fix = "say what must hold instead, or add a statement that needs the fact, as `is_string(...)`";
  if (looked === "absent") {
    const message = `\`not ${path} == ...\` holds as well where the fact is absent`;
    return [finding(reading, "negated-fact", expr, message, fix)];
  }
  const shown = call.name.startsWith("internal.member_") ? "x in xs" : `${call.name}(...)`;
  const message = `\`not ${shown}\` holds as well where \`${path}\` is null`;
  return [finding(reading, "negated-call", expr, message, fix)];
}

/** Whether a rule names a denial: its value or its member is the code of one. */
function denies({ head }: Rule): boolean {
  return termsIn([head.key, head.value]).some(
    ({ type, value }) => type === "string" && isDenyReason(value as string),
  );
}

/** The reading of one rule. */
function read(file: LintFile, project: LintProject, rule: Rule): Reading {
  const base = { file, project, rule, locals: localsOf(rule, file.scope, project.aliases) };
  const needed: string[] = [];
  const asked: string[] = [];
  for (const expr of rule.body) {
    const call = callOf(expr);
    const paths = termsIn(expr.terms).flatMap((term) => {
      const path = pathOf(term, base);
      return path === undefined ? [] : [wordPath(path)];
    });
    const comparesNull = call?.args.some(({ type }) => type === "null") === true;
    if (call !== undefined && (presence.test(call.name) || (call.name === "neq" && comparesNull)))
      asked.push(...paths);
    else if (expr.negated !== true) needed.push(...paths);
    if (expr.negated !== true) asked.push(...reckonedWith(expr, base));
  }
  return { ...base, needed, asked };
}

/** The paths that a statement calculates with: where one is null, it is undefined. */
function reckonedWith(expr: Expr, base: Omit<Reading, "needed" | "asked">): string[] {
  return callsIn(expr)
    .filter(({ call }) => arithmetic.has(call.name))
    .flatMap(({ call }) =>
      call.args.flatMap((arg) => {
        const path = pathOf(arg, base);
        return path === undefined ? [] : [wordPath(path)];
      }),
    );
}

function openings(reading: Reading): Finding[] {
  if (!denies(reading.rule)) return [];
  return exprsIn(reading.rule).flatMap((expr) => {
    const call = callOf(expr);
    if (call === undefined || presence.test(call.name)) return [];
    // `not x == 1` denies where x is absent: an equality is the one call whose operands stay where they are.
    if (expr.negated === true ? equalities.has(call.name) : !comparisons.has(call.name)) return [];
    if (call.args.some(({ type }) => type === "null")) return [];
    // A denial that needs its fact is what is looked for here: only asking for it excuses.
    const strict = { ...reading, needed: [] };
    const path = call.args.map((arg) => shaky(arg, strict, "absent")).find((each) => each !== undefined);
    if (path === undefined) return [];
    const message = `this denial does not happen where \`${path}\` is absent`;
    const fix = "deny unless the good case holds: `... contains code if not sound`, with `sound if ...`";
    return [finding(reading, "absent-opens", expr, message, fix)];
  });
}

/** Finds rules that an absent fact opens. */
export const absentFacts: Lint = (project) =>
  project.files
    .filter(({ scope }) => !scope.package.startsWith("system."))
    .flatMap((file) =>
      branchesOf(file.scope.module).flatMap(({ rule }) => {
        const reading = read(file, project, rule);
        // In a rule that denies, `not` on something absent denies.
        const negated = denies(rule) ? [] : exprsIn(rule).flatMap((expr) => negations(reading, expr));
        return [...negated, ...openings(reading)];
      }),
    );
