/** What an evaluation printed, as values that can be shared. */
import { Fault } from "../runtime/fault.ts";
import { parseTerm, termToJson } from "./term.ts";

const nothing = "set()";
const head = '{{"result": ';
const tail = "}}";
/** Digits that may not fit a double, or an exponent; the slow reader then looks at each number. */
const suspect = /\d{16}|\d[eE]/;

/**
 * Most decisions are one of a few texts: remembers what they parsed to. The values are deeply frozen,
 * so that sharing them is safe. Bounded; the oldest goes first.
 */
export class ResultReader {
  readonly #known = new Map<string, unknown>();
  readonly #maxEntries: number;
  readonly #maxLength: number;

  constructor(maxEntries = 1024, maxLength = 8192) {
    this.#maxEntries = maxEntries;
    this.#maxLength = maxLength;
  }

  /**
   * The first result in `memory` from `start` to `end`, or undefined where there is none.
   * @throws Fault `policy_trap`
   */
  read(memory: Buffer, start: number, end: number): unknown {
    // INVARIANT: equal bytes are equal latin1 strings, so this key is exact and needs no decoding.
    const key = memory.toString("latin1", start, end);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const value = parseResult(memory.toString("utf8", start, end));
    if (value !== undefined && key.length <= this.#maxLength) this.#remember(key, value);
    return value;
  }

  #remember(key: string, value: unknown): void {
    if (this.#known.size >= this.#maxEntries) {
      for (const oldest of this.#known.keys()) {
        this.#known.delete(oldest);
        break;
      }
    }
    this.#known.set(key, value);
  }
}

function parseResult(text: string): unknown {
  if (text === nothing) return undefined;
  if (!text.startsWith(head) || !text.endsWith(tail)) {
    throw new Fault("policy_trap", "the policy returned no result set");
  }
  const body = text.slice(head.length, -tail.length);
  return freeze(parseBody(body));
}

/** A value without sets and odd keys is JSON; JSON is never anything else in Rego's notation. */
function parseBody(body: string): unknown {
  if (!suspect.test(body)) {
    try {
      return JSON.parse(body);
    } catch {
      // holds a set
    }
  }
  return termToJson(parseTerm(body));
}

function freeze(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  for (const part of Object.values(value)) freeze(part);
  return Object.freeze(value);
}
