/** What names mean: imports, rules of the package, and variables bound to a part of the input. */
import type { Module, Rule, Term } from "../ast.ts";
import { anyStep, callOf, exprsIn, isTerm, type Step, stepsOf } from "./tree.ts";

/** A module with its package and the meaning of its names. */
export interface Scope {
  /** `sallyport.lib.time`. */
  readonly package: string;
  readonly module: Module;
  /** Absolute path by imported name. */
  readonly imports: ReadonlyMap<string, readonly Step[]>;
  /** Rules of the whole package. */
  readonly rules: ReadonlySet<string>;
}

/** Name of a rule: the first step of its reference. */
export function nameOf(rule: Rule): string {
  const first = rule.head.ref[0]?.value;
  return typeof first === "string" ? first : (rule.head.name ?? "");
}

/** The meaning of each module's names. A package may be spread over several files: its rules are those of all. */
export function scopesOf(modules: readonly Module[]): Scope[] {
  const scopes = modules.map(scopeOf);
  const rules = new Map<string, Set<string>>();
  for (const scope of scopes)
    rules.set(scope.package, new Set([...(rules.get(scope.package) ?? []), ...scope.rules]));
  return scopes.map((scope) => ({ ...scope, rules: rules.get(scope.package) ?? scope.rules }));
}

function scopeOf(module: Module): Scope {
  const path = module.package.path.slice(1).map((term) => String(term.value));
  const imports = new Map<string, readonly Step[]>();
  for (const { path: imported, alias } of module.imports ?? []) {
    const steps = stepsOf(imported);
    const last = steps?.at(-1);
    if (steps !== undefined && typeof last === "string") imports.set(alias ?? last, steps);
  }
  const rules = new Set((module.rules ?? []).map(nameOf));
  return { package: path.join("."), module, imports, rules };
}

/** Variables of a rule that stand for a part of the input: `some x in input.a.b`, `x := input.a`. */
export type Locals = ReadonlyMap<string, readonly Step[]>;

/** A term as an absolute path (`input...` or `data...`); undefined where it is neither. */
export function resolve(term: Term, scope: Scope, locals: Locals): readonly Step[] | undefined {
  const steps = stepsOf(term);
  const [head, ...rest] = steps ?? [];
  if (typeof head !== "string") return undefined;
  if (head === "input" || head === "data") return steps;
  const base = locals.get(head) ?? scope.imports.get(head);
  if (base !== undefined) return [...base, ...rest];
  return scope.rules.has(head) ? ["data", ...scope.package.split("."), head, ...rest] : undefined;
}

/** The path as an author writes it; a varying step is `*`. */
export function wordPath(steps: readonly Step[]): string {
  return steps.map((step) => (step === anyStep ? "*" : step)).join(".");
}

/**
 * The paths that a rule's variables stand for.
 * @param aliases what rules stand for that only name a part of the input, by absolute path
 */
export function localsOf(rule: Rule, scope: Scope, aliases: ReadonlyMap<string, readonly Step[]>): Locals {
  const locals = new Map<string, readonly Step[]>();
  const bind = (name: Term | undefined, of: Term | undefined, below: readonly Step[]): void => {
    if (name?.type !== "var" || of === undefined) return;
    const path = dealias(resolve(of, scope, locals), aliases);
    if (path !== undefined) locals.set(name.value as string, [...path, ...below]);
  };
  for (const expr of exprsIn(rule)) {
    const call = callOf(expr);
    if (call?.name === "assign" || call?.name === "eq") bind(call.args[0], call.args[1], []);
    const { terms } = expr;
    if (Array.isArray(terms) || isTerm(terms)) continue;
    const declared = terms as {
      readonly symbols?: readonly Term[];
      readonly value?: Term;
      readonly domain?: Term;
    };
    bind(declared.value, declared.domain, [anyStep]);
    for (const symbol of declared.symbols ?? []) {
      const member = callOf(symbol);
      if (member?.name.startsWith("internal.member_") === true)
        bind(member.args.at(-2), member.args.at(-1), [anyStep]);
    }
  }
  return locals;
}

/** Replaces a leading rule that only names a part of the input by that part. */
export function dealias(
  path: readonly Step[] | undefined,
  aliases: ReadonlyMap<string, readonly Step[]>,
): readonly Step[] | undefined {
  if (path === undefined || path[0] !== "data") return path;
  for (let length = path.length; length > 1; length--) {
    const found = aliases.get(wordPath(path.slice(0, length)));
    if (found !== undefined) return [...found, ...path.slice(length)];
  }
  return path;
}

/** Rules without arguments whose every value is one part of the input: `result := input.device.attestation`. */
export function aliasesOf(scopes: readonly Scope[]): Map<string, readonly Step[]> {
  const aliases = new Map<string, readonly Step[]>();
  for (const scope of scopes) {
    for (const rule of scope.module.rules ?? []) {
      const { value, args, key } = rule.head;
      if (value === undefined || args !== undefined || key !== undefined || rule.default === true) continue;
      const steps = stepsOf(value);
      const name = `data.${scope.package}.${nameOf(rule)}`;
      if (steps?.[0] === "input" && rule.else === undefined && !aliases.has(name)) aliases.set(name, steps);
    }
  }
  return aliases;
}
