/** Rego values as a policy prints them: JSON with sets, and with keys of any kind. */
import { Fault } from "../runtime/fault.ts";
import { compareNums, doubleOf, type Num, Numeral, toNum, wholeOf } from "./numeral.ts";

/** A Rego value. Sets and maps keep Rego's order; numbers are exact. */
export type Term =
  | null
  | boolean
  | Num
  | string
  | readonly Term[]
  | ReadonlySet<Term>
  | ReadonlyMap<Term, Term>;

const isMap = (term: Term): term is ReadonlyMap<Term, Term> => term instanceof Map;
const isSet = (term: Term): term is ReadonlySet<Term> => term instanceof Set;

const rank = (term: Term): number => {
  if (term === null) return 0;
  if (typeof term === "boolean") return 1;
  if (typeof term === "number" || term instanceof Numeral) return 2;
  if (typeof term === "string") return 3;
  if (Array.isArray(term)) return 4;
  return isMap(term) ? 5 : 6;
};

function compareLists(left: readonly Term[], right: readonly Term[]): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) {
    const order = compareTerms(left[index] as Term, right[index] as Term);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

/** Keys and values alternately: OPA compares objects in this order. */
const flat = (map: ReadonlyMap<Term, Term>): Term[] => [...map].flat() as Term[];

/** Rego's total order: null, booleans, numbers, strings by bytes, arrays, objects, sets. */
export function compareTerms(left: Term, right: Term): number {
  const order = rank(left) - rank(right);
  if (order !== 0 || left === null || right === null) return order;
  if (typeof left === "string") return Buffer.compare(Buffer.from(left), Buffer.from(right as string));
  if (typeof left === "boolean") return Number(left) - Number(right);
  if (typeof left === "number" || left instanceof Numeral) return compareNums(left, right as Num);
  if (isSet(left)) return compareLists([...left], [...(right as ReadonlySet<Term>)]);
  if (isMap(left)) return compareLists(flat(left), flat(right as ReadonlyMap<Term, Term>));
  return compareLists(left as readonly Term[], right as readonly Term[]);
}

/** Name of an object key in JSON: a string as it is, anything else as its JSON text. */
const keyName = (name: Term): string => (typeof name === "string" ? name : jsonText(name));

/** Go's compact JSON text: keys in Rego's order, escaping what HTML and JavaScript would trip over. */
export function jsonText(term: Term): string {
  if (term instanceof Numeral) return term.text;
  if (isMap(term)) {
    return `{${Array.from(term, ([name, value]) => `${jsonText(keyName(name))}:${jsonText(value)}`).join(",")}}`;
  }
  if (typeof term === "object" && term !== null)
    return `[${Array.from(term as Iterable<Term>, jsonText).join(",")}]`;
  const escaped = (symbol: string): string => `\\u${symbol.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(term).replace(/[<>&\u2028\u2029]/g, escaped);
}

/**
 * The JSON value of a term: sets become arrays, keys of other types their JSON text, as OPA has it.
 * @throws Fault `policy_trap` for an integer beyond 2^53, which would silently lose digits
 */
export function termToJson(term: Term): unknown {
  if (term === null || typeof term !== "object") return term;
  if (term instanceof Numeral) return plain(term);
  if (isMap(term)) {
    return Object.fromEntries(Array.from(term, ([name, value]) => [keyName(name), termToJson(value)]));
  }
  return Array.from(term as Iterable<Term>, termToJson);
}

function plain(numeral: Numeral): number {
  const value = doubleOf(numeral);
  const lost = Number.isInteger(value) && !Number.isSafeInteger(value) && wholeOf(numeral) !== undefined;
  if (Number.isFinite(value) && !lost) return value;
  throw new Fault(
    "policy_trap",
    `the policy returned the number \`${numeral.text}\`, keep integers within 2^53`,
  );
}

/**
 * The text of a term in Rego's notation, as {@link parseTerm} and OPA's `opa_value_parse` read it;
 * `quote` writes its strings.
 */
export function formatTerm(term: Term, quote: (text: string) => string = JSON.stringify): string {
  if (typeof term === "string") return quote(term);
  if (term === null || typeof term !== "object") return JSON.stringify(term);
  if (term instanceof Numeral) return term.text;
  const each = (part: Term): string => formatTerm(part, quote);
  if (isMap(term)) {
    return `{${Array.from(term, ([name, value]) => `${each(name)}: ${each(value)}`).join(", ")}}`;
  }
  if (isSet(term)) return term.size === 0 ? "set()" : `{${Array.from(term, each).join(", ")}}`;
  return `[${Array.from(term as readonly Term[], each).join(", ")}]`;
}

/**
 * Reads the text of a Rego value; sets and keys come back sorted.
 * @throws Fault `policy_trap` for a text that is none
 */
export function parseTerm(text: string): Term {
  const reader = new Reader(text);
  const term = reader.term();
  reader.end();
  return term;
}

/** A policy may write `.5`, which JSON does not have. */
const numberPattern = /-?(?:\d+(?:\.\d*)?|\.\d+)([eE][+-]?\d*)?/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: a JSON string ends at the first bare quote
const stringPattern = /"(?:[^"\\\u0000-\u001f]|\\.)*"/y;
const spacePattern = /[ \t\r\n]*/y;

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  term(): Term {
    this.#space();
    switch (this.#text[this.#at]) {
      case "{":
        return this.#braces();
      case "[": {
        this.#at++;
        const items: Term[] = [];
        while (!this.#take("]")) this.#item(items);
        return items;
      }
      case '"':
        return JSON.parse(this.#match(stringPattern)) as string;
      default:
        return this.#word();
    }
  }

  end(): void {
    this.#space();
    if (this.#at !== this.#text.length) this.#fail();
  }

  /** `{}` is the empty object; a first colon tells an object from a set. */
  #braces(): Term {
    this.#at++;
    const names: Term[] = [];
    const values: Term[] = [];
    while (!this.#take("}")) {
      this.#item(names, () => {
        if (this.#take(":")) values.push(this.term());
      });
    }
    if (values.length === names.length) {
      const entries = names.map((name, index): [Term, Term] => [name, values[index] as Term]);
      return new Map(entries.sort((left, right) => compareTerms(left[0], right[0])));
    }
    if (values.length !== 0) this.#fail();
    return new Set(names.sort(compareTerms));
  }

  #item(into: Term[], rest?: () => void): void {
    if (into.length > 0 && !this.#take(",")) this.#fail();
    into.push(this.term());
    rest?.();
  }

  #word(): Term {
    for (const [word, value] of words) {
      if (!this.#text.startsWith(word, this.#at)) continue;
      this.#at += word.length;
      return value;
    }
    return toNum(this.#match(numberPattern));
  }

  #take(symbol: string): boolean {
    this.#space();
    if (this.#text[this.#at] !== symbol) return false;
    this.#at++;
    return true;
  }

  #space(): void {
    spacePattern.lastIndex = this.#at;
    spacePattern.test(this.#text);
    this.#at = spacePattern.lastIndex;
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found === null) return this.#fail();
    this.#at = pattern.lastIndex;
    return found[0];
  }

  #fail(): never {
    throw new Fault("policy_trap", "the policy returned a value that cannot be read");
  }
}

const words: readonly (readonly [string, Term])[] = [
  ["null", null],
  ["true", true],
  ["false", false],
  ["set()", new Set<Term>()],
];
