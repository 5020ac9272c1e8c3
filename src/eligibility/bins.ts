/** Bins: the facts of a device reduced to what a gate can tell apart (docs/policy-contract.md, "Gates"). */
import type { TimeCut } from "../pdp/cuts.ts";
import { Fault } from "../runtime/fault.ts";
import { type Common, compileReading, type Reading, type Scene } from "./scene.ts";

/** A fact as a bin: a whole number from 0, below `count`. */
export interface Bin {
  readonly of: (scene: Scene) => number;
  /** How many bins there are. */
  readonly count: () => number;
  /** Whether values are numbered as they are met, so that there will be more. */
  readonly grows: boolean;
}

const day = 86_400;
const mostSpelled = 12;

function fixed(count: number, of: (scene: Scene) => number): Bin {
  return { of, count: () => count, grows: false };
}

/** Numbers values as they are met. `undefined` and `null` are one: the policy sees neither. */
function numbering(value: (scene: Scene) => unknown): Bin {
  const numbers = new Map<unknown, number>();
  // Neighbours are often alike.
  let last: unknown;
  let lastNumber = -1;
  return {
    of: (scene) => {
      const met = value(scene) ?? null;
      if (met === last) return lastNumber;
      let number = numbers.get(met);
      if (number === undefined) numbers.set(met, (number = numbers.size));
      last = met;
      lastNumber = number;
      return number;
    },
    count: () => numbers.size,
    grows: true,
  };
}

const plain = (value: unknown): unknown =>
  typeof value === "object" && value !== null ? `\0${JSON.stringify(value)}` : value;

/** Bins of every value of a fact: of several the set, of none a bin of its own. */
function every(reading: Reading, count: number, bin: (value: unknown, scene: Scene) => number): Bin {
  const { all, one, present, spread } = reading;
  if (present !== undefined)
    return fixed(count + 1, (scene) => (present(scene) ? bin(one(scene), scene) : count));
  if (!spread) return fixed(count, (scene) => bin(one(scene), scene));
  if (count > 30) return numbering((scene) => [...setOf(all(scene), bin, scene)].sort().join());
  return fixed(2 ** count, (scene) => {
    let set = 0;
    for (const value of all(scene)) set |= 1 << bin(value, scene);
    return set >>> 0;
  });
}

function setOf(
  values: readonly unknown[],
  bin: (value: unknown, scene: Scene) => number,
  scene: Scene,
): ReadonlySet<number> {
  return new Set(values.map((value) => bin(value, scene)));
}

/** How many of `marks` a number has reached, counted from 1; 0: it is none. */
function place(value: unknown, marks: readonly number[]): number {
  if (typeof value !== "number") return 0;
  let at = 1;
  for (const mark of marks) if (value >= mark) at += 1;
  return at;
}

/** 0: one of the two is no number; 1, 2, 3: below, equal, above. */
function compare(value: unknown, other: unknown): number {
  if (typeof value !== "number" || typeof other !== "number") return 0;
  return value < other ? 1 : value === other ? 2 : 3;
}

function offsetsOf(fact: string, time: readonly TimeCut[]): readonly number[] {
  return time.filter((cut) => cut.fact === fact && cut.plus === undefined).flatMap(({ at }) => at);
}

/** A comparison with each of several numbers, spelled to the base of its outcomes. */
function spelled(length: number, outcomes: (scene: Scene) => Iterable<number>): Bin {
  if (length > mostSpelled) return numbering((scene) => [...outcomes(scene)].join(""));
  return fixed(4 ** length, (scene) => {
    let word = 0;
    for (const outcome of outcomes(scene)) word = word * 4 + outcome;
    return word;
  });
}

type Listed = Readonly<Record<string, unknown>>;

/** Forms that say yes (1) or no (0), and so may be conditions of others. */
const yesOrNo: ReadonlySet<string> = new Set(["among", "before", "is", "least", "same"]);

/** A bin that is looked at only where every condition holds; else all devices are alike to it. */
function conditional({ count, grows, of }: Bin, conditions: readonly Bin[]): Bin {
  return {
    of: (scene) => {
      for (const condition of conditions) if (condition.of(scene) === 0) return 0;
      return of(scene) + 1;
    },
    count: () => count() + 1,
    grows,
  };
}

/** The bins of a scope; gates that look at the same share it, and it is found once for each device. */
export class Bins {
  readonly #time: readonly TimeCut[];
  readonly #common: Common;
  readonly #made = new Map<string, Bin>();

  constructor(time: readonly TimeCut[], common: Common) {
    this.#time = time;
    this.#common = common;
  }

  /** Compiles one fact of a gate. Throws `bundle_invalid` for a form it does not know: never ignore one. */
  compile(given: unknown): Bin {
    const key = JSON.stringify(given ?? {});
    let bin = this.#made.get(key);
    if (bin === undefined) this.#made.set(key, (bin = remembered(this.#compile((given ?? {}) as Listed))));
    return bin;
  }

  #compile({ when = [], ...listed }: Listed): Bin {
    if (!Array.isArray(when)) throw new Fault("bundle_invalid", "`when` of a gate of `ota` is no list");
    if (when.length === 0) return compileForm(listed, this.#time, this.#common);
    const conditions = when.map((each: unknown) => {
      const condition = (each ?? {}) as Listed;
      if (
        !Object.keys(condition).some((form) => yesOrNo.has(form)) ||
        String(condition["fact"]).includes("*")
      )
        throw new Fault("bundle_invalid", "a condition of a gate of `ota` does not say yes or no");
      return this.compile(condition);
    });
    return conditional(this.compile(listed), conditions);
  }
}

/** A bin that is found once for each device. */
function remembered({ count, grows, of }: Bin): Bin {
  let stamp = -1;
  let found = 0;
  return {
    of: (scene) => {
      if (scene.stamp !== stamp) {
        found = of(scene);
        stamp = scene.stamp;
      }
      return found;
    },
    count,
    grows,
  };
}

function compileForm(listed: Listed, time: readonly TimeCut[], common: Common): Bin {
  const { fact, at, to, in: list, each, same } = listed;
  if (typeof fact !== "string") throw new Fault("bundle_invalid", "a gate of `ota` names no fact");
  const forms = Object.keys(listed).filter((name) => !["fact", "less"].includes(name));
  if (forms.length > 1 || (forms.length === 0 && "less" in listed))
    throw new Fault("bundle_invalid", `the gate's fact \`${fact}\` has more than one form`);
  const read = (path: unknown): Reading => compileReading(String(path), common);
  const reading = read(fact);
  const { one, present, spread } = reading;
  switch (forms[0]) {
    case undefined:
      if (present !== undefined)
        return numbering((scene) => (present(scene) ? plain(one(scene)) : "\0absent"));
      return numbering(spread ? (scene) => JSON.stringify(reading.all(scene)) : (scene) => plain(one(scene)));
    case "cuts": {
      const offsets = offsetsOf(fact, time);
      return every(reading, offsets.length + 2, (value, { now }) =>
        typeof value === "number" ? place(now - value, offsets) : 0,
      );
    }
    case "ahead":
      return numbering((scene) => {
        const value = one(scene);
        return typeof value !== "number" ? undefined : value > scene.now ? value : "past";
      });
    case "at": {
      const marks = at as readonly number[];
      if (typeof listed["less"] !== "string")
        return every(reading, marks.length + 2, (value) => place(value, marks));
      const less = read(listed["less"]).one;
      return every(reading, marks.length + 2, (value, scene) => {
        const other = less(scene);
        return typeof value === "number" && typeof other === "number" ? place(value - other, marks) : 0;
      });
    }
    case "to": {
      const others = read(to);
      if (!others.common)
        return numbering((scene) =>
          others
            .all(scene)
            .map((other) => compare(one(scene), other))
            .join(""),
        );
      const marks = others.all(undefined as never).filter((value) => typeof value === "number");
      const rest = others.all(undefined as never).length - marks.length;
      if (rest === 0 && marks.length > 0 && !spread) return between(one, marks);
      return spelled(marks.length + rest, (scene) => {
        const value = one(scene);
        return others.all(scene).map((other) => compare(value, other));
      });
    }
    case "same": {
      const other = read(same).one;
      return every(reading, 2, (value, scene) => ((value ?? null) === (other(scene) ?? null) ? 1 : 0));
    }
    case "before":
      return every(reading, 2, (value, { now }) =>
        typeof value === "number" && now < value + Number(listed["before"]) ? 1 : 0,
      );
    case "least":
      return every(reading, 2, (value) =>
        typeof value === "number" && value >= Number(listed["least"]) ? 1 : 0,
      );
    case "among": {
      const members = new Set<unknown>(Array.isArray(listed["among"]) ? listed["among"] : []);
      return every(reading, 2, (value) => (members.has(value) ? 1 : 0));
    }
    case "is":
      return every(reading, 2, (value) => (value === listed["is"] ? 1 : 0));
    case "in": {
      const members = read(list).one;
      return every(reading, 3, (value, scene) => {
        if (value === undefined || value === null) return 0;
        const found = members(scene);
        return Array.isArray(found) && found.includes(value) ? 2 : 1;
      });
    }
    case "each": {
      const wanted = read(each);
      const names = wanted.common
        ? Object.entries((wanted.one(undefined as never) ?? {}) as Listed)
        : undefined;
      if (names === undefined)
        throw new Fault("bundle_invalid", `the gate's fact \`${fact}\` is compared with no common list`);
      return spelled(names.length, function* (scene) {
        const mine = (one(scene) ?? {}) as Listed;
        for (const [name, least] of names) yield compare(mine[name], least);
      });
    }
    case "signals":
      return numbering((scene) => signalsOf(one(scene), scene.now));
    case "daily": {
      const [opens, closes] = ["rollout.window.from", "rollout.window.to"].map((path) => read(path).one);
      return numbering((scene) => {
        const [zone, from, until] = [one(scene), opens?.(scene), closes?.(scene)];
        if (typeof zone !== "number" || typeof from !== "number" || typeof until !== "number")
          return undefined;
        const local = scene.now + zone;
        return `${zone},${Math.floor((local - from) / day)},${Math.floor((local - until) / day)}`;
      });
    }
    default:
      throw new Fault("bundle_invalid", `the gate's fact \`${fact}\` has a form that is not known`);
  }
}

/** Where a number lies among `given`: on one of them, between two, below or above all; 0: it is none. */
function between(one: Reading["one"], given: readonly number[]): Bin {
  const marks = [...new Set(given)].sort((a, b) => a - b);
  return fixed(2 * marks.length + 2, (scene) => {
    const value = one(scene);
    if (typeof value !== "number") return 0;
    let at = 1;
    for (const mark of marks) {
      if (value < mark) return at;
      if (value === mark) return at + 1;
      at += 2;
    }
    return at;
  });
}

/** Types of the signals that have not lapsed: type and time belong together. */
function signalsOf(signals: unknown, now: number): string {
  if (!Array.isArray(signals) || signals.length === 0) return "";
  const words = signals
    .filter(
      ({ expires_at }: { readonly expires_at?: number }) => expires_at === undefined || now < expires_at,
    )
    .map(({ type }: { readonly type?: unknown }) => JSON.stringify(type));
  return [...new Set(words)].sort().join();
}
