/** Cuts: the moments at which an answer can change, listed by the policy, found on the facts by the host. */

/** One time fact and the offsets (seconds) at which an answer can change once `now` reaches fact + offset. */
export interface TimeCut {
  readonly fact: string;
  readonly at: readonly number[];
  /** Path of a fact that is added to the offsets, as the bake time of a rollout. */
  readonly plus?: string;
}

/** A second of the day (a fact) at which an answer can change, in the time zone that another fact gives. */
export interface DailyCut {
  readonly fact: string;
  readonly offset: string;
}

/** The cuts of one entrypoint under one security model. Thresholds c: the answer may differ between q < c and q >= c. */
export interface CutList {
  readonly time: readonly TimeCut[];
  readonly lag: readonly number[];
  readonly age: readonly number[];
  readonly skew: readonly number[];
  readonly daily: readonly DailyCut[];
  /** Gates for bulk evaluation, as the policy lists them. */
  readonly gates?: unknown;
}

/** Cuts by model, then by kind, as `sallyport/cuts` returns them. */
export type CutTable = Readonly<Record<string, Readonly<Record<string, CutList>>>>;

/** A cut that applies to given facts: `at` is absolute. */
export interface Instant {
  readonly fact: string;
  readonly value: number;
  readonly offset: number;
  readonly at: number;
}

/** Half-open interval `[from, until)` around a reading. */
export interface Interval {
  readonly from: number;
  readonly until: number;
}

function isNumberList(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((each) => Number.isSafeInteger(each));
}

function isDailyCut(value: unknown): value is DailyCut {
  if (typeof value !== "object" || value === null) return false;
  const { fact, offset } = value as Record<string, unknown>;
  return typeof fact === "string" && typeof offset === "string";
}

function readCutList(value: unknown): CutList | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const given = value as Record<string, unknown>;
  const { time, lag } = given;
  // An answer that no message age and no device clock can change needs no list of them.
  const age = given["age"] ?? [];
  const skew = given["skew"] ?? [];
  const daily = given["daily"] ?? [];
  if (!isNumberList(lag) || !isNumberList(age) || !isNumberList(skew) || !Array.isArray(time))
    return undefined;
  if (!Array.isArray(daily) || !daily.every(isDailyCut)) return undefined;
  const sound = time.every((cut: unknown) => {
    if (typeof cut !== "object" || cut === null) return false;
    const { fact, at, plus } = cut as Record<string, unknown>;
    return typeof fact === "string" && isNumberList(at) && (plus === undefined || typeof plus === "string");
  });
  if (!sound) return undefined;
  const list = { time: time as TimeCut[], lag, age, skew, daily };
  return given["gates"] === undefined ? list : { ...list, gates: given["gates"] };
}

/** Model whose cuts hold where no record names a model that the table knows. */
const anyModel = "*";

/** Checks what `sallyport/cuts` returned; `undefined` if it is no table of cuts for every kind in `kinds`. */
export function readCutTable(result: unknown, kinds: readonly string[]): CutTable | undefined {
  if (typeof result !== "object" || result === null || Object.keys(result).length === 0) return undefined;
  const table: Record<string, Record<string, CutList>> = {};
  for (const [model, byKind] of Object.entries(result)) {
    if (typeof byKind !== "object" || byKind === null) return undefined;
    const lists: Record<string, CutList> = {};
    for (const kind of kinds) {
      const list = readCutList((byKind as Record<string, unknown>)[kind]);
      if (list === undefined) return undefined;
      lists[kind] = list;
    }
    table[model] = lists;
  }
  return table;
}

/** The cuts for a model; for one that the table does not know those of `*`, or of all models together. */
export function cutsOf(table: CutTable, model: string, kind: string): CutList {
  for (const name of [model, anyModel]) {
    const own = Object.hasOwn(table, name) ? table[name]?.[kind] : undefined;
    if (own !== undefined) return own;
  }
  const all = Object.values(table).flatMap((byKind) => byKind[kind] ?? []);
  return {
    time: all.flatMap((list) => list.time),
    lag: all.flatMap((list) => list.lag),
    age: all.flatMap((list) => list.age),
    skew: all.flatMap((list) => list.skew),
    daily: all.flatMap((list) => list.daily),
  };
}

function valuesAt(value: unknown, path: readonly string[], found: number[]): void {
  const [step, ...rest] = path;
  if (step === undefined) {
    if (typeof value === "number") found.push(value);
    return;
  }
  if (typeof value !== "object" || value === null) return;
  if (step === "*") {
    for (const each of Object.values(value)) valuesAt(each, rest, found);
    return;
  }
  if (Object.hasOwn(value, step)) valuesAt((value as Record<string, unknown>)[step], rest, found);
}

/** Every number at a dotted path; `*` is each entry of a map or list. */
export function numbersAt(facts: unknown, path: string): number[] {
  const found: number[] = [];
  valuesAt(facts, path.split("."), found);
  return found;
}

const day = 86_400;

/** The daily cuts around `now`: each second of the day as it last came and as it comes next. */
export function dailyInstants(cuts: readonly DailyCut[], facts: unknown, now: number): Instant[] {
  return cuts.flatMap(({ fact, offset }) => {
    const [second] = numbersAt(facts, fact);
    const [zone] = numbersAt(facts, offset);
    if (second === undefined || zone === undefined) return [];
    const last = now - ((((now + zone - second) % day) + day) % day);
    return [last, last + day].map((at) => ({ fact, value: second, offset: at - second, at }));
  });
}

/** Every instant of `cuts` on these facts (the policy input without `now`), in order of time. */
export function instantsOf(cuts: readonly TimeCut[], facts: unknown): Instant[] {
  const instants: Instant[] = [];
  for (const { fact, at, plus } of cuts) {
    const found = numbersAt(facts, fact);
    const more = plus === undefined ? [0] : numbersAt(facts, plus);
    for (const value of found) {
      for (const extra of more) {
        for (const offset of at)
          instants.push({ fact, value, offset: offset + extra, at: value + offset + extra });
      }
    }
  }
  return instants.sort((a, b) => a.at - b.at);
}

/** The interval between two neighbouring marks around `reading`. `marks` is sorted. */
export function intervalAround(marks: readonly number[], reading: number): Interval {
  let from = Number.NEGATIVE_INFINITY;
  for (const mark of marks) {
    if (mark > reading) return { from, until: mark };
    from = mark;
  }
  return { from, until: Number.POSITIVE_INFINITY };
}

/** Sorted copy without duplicates. */
export function sortedMarks(marks: readonly number[]): readonly number[] {
  return [...new Set(marks)].sort((a, b) => a - b);
}
