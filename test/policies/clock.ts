/**
 * Moving the clock over one input: the cuts that `sallyport/cuts` lists for it as absolute times, and the answer
 * at any time, either with the clock alone or with everything that is measured against it in step.
 */
import { evaluate } from "./harness.ts";
import { type Facts, isObject, type Json } from "./tables.ts";

/** One entry of `sallyport/cuts`. */
export interface Cuts {
  readonly time: readonly { readonly fact: string; readonly at: readonly number[]; readonly plus?: string }[];
  readonly daily?: readonly { readonly fact: string; readonly offset: string }[];
  readonly lag?: readonly number[];
  readonly age?: readonly number[];
  readonly skew?: readonly number[];
}

export type CutTable = Readonly<Record<string, Readonly<Record<string, Cuts>>>>;

export const cutTable: CutTable = evaluate("sallyport/cuts", {}) as CutTable;

/** `step`: registry, message and device time move along, so that only facts age. `alone`: only `now` moves. */
export type Mode = "alone" | "step";

/** A cut of one input: where it comes from and when it is. */
export interface Cut {
  readonly name: string;
  readonly at: number;
}

/** The security model in force, `*` where none is known. */
export function modelOf(input: Facts): string {
  const device = input["device"];
  const tenant = input["tenant"];
  const own = isObject(device) ? device["model"] : null;
  const model = typeof own === "string" ? own : isObject(tenant) ? tenant["model"] : null;
  return typeof model === "string" && model in cutTable ? model : "*";
}

/** Every value at a dotted path; `*` is each entry of a map or list. */
export function valuesAt(value: Json | undefined, path: readonly string[]): Json[] {
  const [head, ...rest] = path;
  if (value === undefined || value === null) return [];
  if (head === undefined) return [value];
  if (head === "*") return Object.values(value).flatMap((entry) => valuesAt(entry as Json, rest));
  return typeof value === "object" ? valuesAt((value as Facts)[head], rest) : [];
}

/** The same object with every value at the path replaced. */
export function replaceAt(value: Json, [head, ...rest]: readonly string[], by: Json): Json {
  if (head === undefined) return by;
  if (Array.isArray(value))
    return value.map((entry, i) =>
      head === "*" || head === `${i}` ? replaceAt(entry as Json, rest, by) : (entry as Json),
    );
  if (!isObject(value)) return value;
  const names = head === "*" ? Object.keys(value) : head in value ? [head] : [];
  return {
    ...value,
    ...Object.fromEntries(names.map((name) => [name, replaceAt(value[name] ?? null, rest, by)])),
  };
}

function numberAt(input: Facts, path: string): number | undefined {
  const value = valuesAt(input, path.split("."))[0];
  return typeof value === "number" ? value : undefined;
}

/** What is measured against the clock, and from where. */
export const differences = [
  ["lag", "registry.watermark"],
  ["age", "request.occurred_at"],
  ["skew", "request.device_time"],
] as const;

/** A name of one cut, unique within its list. */
export function cutName(fact: string, offset: number, plus?: string): string {
  return `${fact} ${offset}${plus === undefined ? "" : ` ${plus}`}`;
}

const day = 86_400;

interface Daily {
  readonly name: string;
  /** Seconds from the epoch to a moment at which the cut falls. */
  readonly phase: number;
}

function dailyOf(cuts: Cuts, input: Facts): Daily[] {
  return (cuts.daily ?? []).flatMap(({ fact, offset }) => {
    const second = numberAt(input, fact);
    const zone = numberAt(input, offset);
    return second === undefined || zone === undefined
      ? []
      : [{ name: `daily ${fact}`, phase: second - zone }];
  });
}

/** Each daily cut as it came last at the input's own time, and as it comes next. */
function dailyCuts(cuts: Cuts, input: Facts): Cut[] {
  const now = input["now"] as number;
  return dailyOf(cuts, input).flatMap(({ name, phase }) => {
    const last = phase + Math.floor((now - phase) / day) * day;
    return [last, last + day].map((at) => ({ name, at }));
  });
}

/** Which day of each daily cut a moment falls into: two moments of one index have none of them in between. */
export function dailyIndex(entrypoint: string, input: Facts, time: number): string {
  const cuts = cutTable[modelOf(input)]?.[entrypoint];
  if (cuts === undefined) return "";
  return dailyOf(cuts, input)
    .map(({ phase }) => Math.floor((time - phase) / day))
    .join();
}

/** The cuts of one input, as times at which `now` meets them. */
export function cutsOf(entrypoint: string, input: Facts, mode: Mode): Cut[] {
  const cuts = cutTable[modelOf(input)]?.[entrypoint];
  if (cuts === undefined) throw new Error(`no cuts for \`${entrypoint}\``);
  const dated = cuts.time.flatMap(({ fact, at, plus }) => {
    const more = plus === undefined ? 0 : numberAt(input, plus);
    return valuesAt(input, fact.split(".")).flatMap((value) =>
      typeof value === "number" && more !== undefined
        ? at.map((offset) => ({ name: cutName(fact, offset, plus), at: value + offset + more }))
        : [],
    );
  });
  const facts = [...dated, ...dailyCuts(cuts, input)];
  if (mode === "step") return facts;
  const measured = differences.flatMap(([name, path]) => {
    const from = numberAt(input, path);
    return from === undefined
      ? []
      : (cuts[name] ?? []).map((offset) => ({ name: `${name} ${offset}`, at: from + offset }));
  });
  return [...facts, ...measured];
}

/** The input as it would be asked at `now`. */
export function at(input: Facts, now: number, mode: Mode): Facts {
  if (mode === "alone") return { ...input, now };
  const shift = now - (input["now"] as number);
  const moved = differences.reduce<Json>((facts, [, path]) => {
    const value = numberAt(input, path);
    return value === undefined ? facts : replaceAt(facts, path.split("."), value + shift);
  }, input);
  return { ...(moved as Facts), now };
}

/** JSON with sorted keys. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) =>
    typeof item === "object" && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}

export function answerAt(entrypoint: string, input: Facts, now: number, mode: Mode): string {
  return canonical(evaluate(`sallyport/${entrypoint}`, at(input, now, mode)));
}
