/** Operands of builtins: each reader throws a TypeError where the value is of another type, which is undefined in Rego. */
import { doubleOf, type Num, Numeral, wholeOf } from "../numeral.ts";
import { compareTerms, type Term } from "../term.ts";

/** An object of Rego. */
export type TermMap = ReadonlyMap<Term, Term>;

/** Whether a term is an object. */
export const isMap = (term: Term | undefined): term is TermMap => term instanceof Map;
/** Whether a term is a set. */
export const isSet = (term: Term | undefined): term is ReadonlySet<Term> => term instanceof Set;
/** Whether a term is an array. */
export const isArray = (term: Term | undefined): term is readonly Term[] => Array.isArray(term);
/** Whether a term is a number. */
export const isNum = (term: Term | undefined): term is Num =>
  typeof term === "number" || term instanceof Numeral;

/** A string. */
export function text(term: Term | undefined): string {
  if (typeof term !== "string") throw new TypeError("not a string");
  return term;
}

/** A number. */
export function num(term: Term | undefined): Num {
  if (!isNum(term)) throw new TypeError("not a number");
  return term;
}

/** An integer of any size. */
export function bigint(term: Term | undefined): bigint {
  const whole = wholeOf(num(term));
  if (whole === undefined) throw new TypeError("not an integer");
  return whole;
}

/** An integer that a double holds. */
export function integer(term: Term | undefined): number {
  const value = doubleOf(num(term));
  if (!Number.isSafeInteger(value)) throw new TypeError("not a safe integer");
  return value;
}

/** An object. */
export function map(term: Term | undefined): TermMap {
  if (!isMap(term)) throw new TypeError("not an object");
  return term;
}

/** An array. */
export function array(term: Term | undefined): readonly Term[] {
  if (!isArray(term)) throw new TypeError("not an array");
  return term;
}

/** The members of an array or a set. */
export function members(term: Term | undefined): readonly Term[] {
  if (isSet(term)) return [...term];
  return array(term);
}

/** A boolean. */
export function flag(term: Term | undefined): boolean {
  if (typeof term !== "boolean") throw new TypeError("not a boolean");
  return term;
}

/** Whether two terms are equal. */
export const equal = (left: Term, right: Term): boolean => compareTerms(left, right) === 0;

/** The value of a key of any type, or undefined. */
export function get(object: TermMap, key: Term): Term | undefined {
  if (typeof key === "string") return object.get(key);
  for (const [name, value] of object) if (equal(name, key)) return value;
  return undefined;
}

/** Whether a set holds a term. */
export function has(set: ReadonlySet<Term>, term: Term): boolean {
  if (set.has(term)) return true;
  for (const member of set) if (equal(member, term)) return true;
  return false;
}

/** A set in Rego's order, each member once. */
export function setOf(terms: Iterable<Term>): ReadonlySet<Term> {
  const sorted = [...terms].sort(compareTerms);
  return new Set(sorted.filter((term, index) => index === 0 || !equal(term, sorted[index - 1] as Term)));
}

/** An object in Rego's order; the last of equal keys wins. */
export function mapOf(entries: Iterable<readonly [Term, Term]>): TermMap {
  const sorted = Array.from(entries, ([key, value]): [Term, Term] => [key, value]).sort((a, b) =>
    compareTerms(a[0], b[0]),
  );
  return new Map(
    sorted.filter(
      ([key], index) => index + 1 === sorted.length || !equal(key, sorted[index + 1]?.[0] as Term),
    ),
  );
}

/** The term of a JSON value. */
export function fromJson(value: unknown): Term {
  if (Array.isArray(value)) return value.map(fromJson);
  if (typeof value === "object" && value !== null) {
    return mapOf(
      Object.entries(value)
        .filter(([, part]) => part !== undefined)
        .map(([key, part]) => [key, fromJson(part)]),
    );
  }
  return value as Term;
}
