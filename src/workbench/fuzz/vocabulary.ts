/** Values that are worth trying: what the author's own facts hold, and the thresholds that the policy states. */
import type { CutTable } from "../../pdp/cuts.ts";
import { canonical } from "../canonical.ts";
import { type Facts, isFacts } from "../facts.ts";

/** A time relative to the moment of asking, in seconds; made absolute when it is put into facts. */
export class Moment {
  readonly offset: number;

  constructor(offset: number) {
    this.offset = offset;
  }
}

/** What is known of the facts before anything is generated. */
export interface Vocabulary {
  /** Values seen at a dotted path; `*` is each entry of a map or list. */
  at(path: string): readonly unknown[];
  /** Texts seen at paths that end in the same word. */
  words(path: string): readonly string[];
  /** Names of the entries of a map. */
  keys(path: string): readonly string[];
  /** Offsets of a time at which, and a second to each side of which, an answer can change; none: no time. */
  moments(path: string): readonly number[];
  /** Numbers that policy data states. */
  readonly numbers: readonly number[];
  /** Words of policy data, names of fields included: commands, streams, classes. */
  readonly names: readonly string[];
}

/** Beyond this, further values of a path add little. */
const maxValues = 64;
/** What is this close to the moment of asking is a time. */
const decade = 10 * 365 * 86_400;

class Pool<T> {
  readonly #lists = new Map<string, Map<string, T>>();

  add(name: string, value: T): void {
    const list = this.#lists.get(name) ?? new Map<string, T>();
    if (list.size < maxValues) list.set(canonical(value), value);
    this.#lists.set(name, list);
  }

  get(name: string): readonly T[] {
    return [...(this.#lists.get(name)?.values() ?? [])];
  }
}

/** The last step of a path that is a name. */
const lastWord = (path: string): string => path.split(".").findLast((step) => step !== "*") ?? "";

/**
 * Gathers values from whole fact sets, from policy data, and from the cuts of the policy.
 * @param open paths of maps whose entries have any name
 */
export function vocabularyOf(
  bases: readonly Facts[],
  data: unknown,
  cuts: CutTable,
  open: ReadonlySet<string>,
): Vocabulary {
  const [values, words, keys, times] = [
    new Pool<unknown>(),
    new Pool<string>(),
    new Pool<string>(),
    new Pool<number>(),
  ];
  const visit = (value: unknown, path: string, now: number): void => {
    if (path !== "") values.add(path, value);
    if (typeof value === "string") words.add(lastWord(path), value);
    if (typeof value === "number" && now > decade && Math.abs(value - now) < decade) {
      for (const d of [-1, 0, 1]) times.add(path, value - now + d);
    }
    if (Array.isArray(value)) for (const each of value) visit(each, `${path}.*`, now);
    if (!isFacts(value)) return;
    for (const [name, each] of Object.entries(value)) {
      const inside = open.has(path) ? "*" : name;
      if (inside === "*") keys.add(path, name);
      visit(each, path === "" ? inside : `${path}.${inside}`, now);
    }
  };
  for (const facts of bases) visit(facts, "", typeof facts["now"] === "number" ? facts["now"] : 0);
  for (const [path, offset] of thresholdsOf(cuts)) {
    // The answer can change once now = fact + offset.
    for (const d of [-1, 0, 1]) times.add(path, d - offset);
  }
  return {
    at: (path) => values.get(path),
    words: (path) => words.get(lastWord(path)),
    keys: (path) => keys.get(path),
    moments: (path) => times.get(path),
    numbers: [...new Set(numbersIn(data))].slice(0, 512),
    names: [...new Set(namesIn(data))].slice(0, 2048),
  };
}

/** Every path with an offset at which an answer can change, of all models and entrypoints. */
function thresholdsOf(cuts: CutTable): [path: string, offset: number][] {
  return Object.values(cuts)
    .flatMap((byKind) => Object.values(byKind))
    .flatMap(({ time, lag, age, skew }) => [
      ...time.flatMap(({ fact, at }) => at.map((offset): [string, number] => [fact, offset])),
      ...lag.map((offset): [string, number] => ["registry.watermark", offset]),
      ...age.map((offset): [string, number] => ["request.occurred_at", offset]),
      ...skew.map((offset): [string, number] => ["request.device_time", offset]),
    ]);
}

function numbersIn(value: unknown): number[] {
  if (typeof value === "number") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(numbersIn) : [];
}

function namesIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (Array.isArray(value)) return value.flatMap(namesIn);
  return isFacts(value) ? Object.entries(value).flatMap(([name, each]) => [name, ...namesIn(each)]) : [];
}
