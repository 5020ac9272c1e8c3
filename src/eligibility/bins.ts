/** Bins: the facts of a device reduced to what a gate can tell apart (docs/policy-contract.md, "Gates"). */
import type { TimeCut } from "../pdp/cuts.ts";
import { Fault } from "../runtime/fault.ts";

/** A device and what is common to the scan, at a moment. */
export interface Scene {
  readonly now: number;
  /** `device`, `credential`, `release`, `rollout`, `tenant`. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** The bucket, computed only when it is asked for. */
  readonly bucket: () => number;
}

/** A fact of a scene as a bin. */
export type Bin = (scene: Scene) => string | number;

const day = 86_400;

/** Reads a dotted path; with `*` every value below. */
export function reader(path: string): (scene: Scene) => readonly unknown[] {
  if (path === "device.ota.bucket") return (scene) => [scene.bucket()];
  const steps = path.split(".");
  return (scene) => {
    let found: unknown[] = [scene.facts];
    for (const step of steps) {
      const next: unknown[] = [];
      for (const value of found) {
        if (typeof value !== "object" || value === null) continue;
        if (step === "*") next.push(...(Object.values(value) as unknown[]));
        else next.push((value as Record<string, unknown>)[step]);
      }
      found = next;
    }
    return found;
  };
}

function single(path: string): (scene: Scene) => unknown {
  if (path === "device.ota.bucket") return (scene) => scene.bucket();
  const steps = path.split(".");
  return (scene) => {
    let value: unknown = scene.facts;
    for (const step of steps) {
      if (typeof value !== "object" || value === null) return undefined;
      value = (value as Record<string, unknown>)[step];
    }
    return value;
  };
}

const word = (value: unknown): string =>
  typeof value === "string"
    ? `"${value}"`
    : value === undefined || value === null
      ? "-"
      : JSON.stringify(value);

function place(value: unknown, marks: readonly number[]): string | number {
  if (typeof value !== "number") return "-";
  let at = 0;
  for (const mark of marks) if (value >= mark) at += 1;
  return at;
}

function compare(value: unknown, other: unknown): string | number {
  return typeof value !== "number" || typeof other !== "number" ? "-" : Math.sign(value - other);
}

function offsetsOf(fact: string, time: readonly TimeCut[]): readonly number[] {
  return time.filter((cut) => cut.fact === fact && cut.plus === undefined).flatMap(({ at }) => at);
}

/** Numbers at which something changes, and the fact whose difference to this one is meant. */
type Listed = Readonly<Record<string, unknown>>;

/** Compiles one fact of a gate. Throws `bundle_invalid` for a form it does not know: never ignore one. */
export function compileBin(given: unknown, time: readonly TimeCut[]): Bin {
  const listed = (given ?? {}) as Listed;
  const { fact, at, to, in: list, each, same } = listed;
  if (typeof fact !== "string") throw new Fault("bundle_invalid", "a gate of `ota` names no fact");
  const forms = Object.keys(listed).filter((name) => !["fact", "less"].includes(name));
  if (forms.length > 1 || (forms.length === 0 && "less" in listed))
    throw new Fault("bundle_invalid", `the gate's fact \`${fact}\` has more than one form`);
  const read = reader(fact);
  const one = single(fact);
  const spread = fact.includes("*");
  const every = (bin: (value: unknown, scene: Scene) => string | number): Bin =>
    spread
      ? (scene) => [...new Set(read(scene).map((value) => bin(value, scene)))].sort().join(",")
      : (scene) => bin(one(scene), scene);
  switch (forms[0]) {
    case undefined:
      return every(word);
    case "cuts": {
      const offsets = offsetsOf(fact, time);
      return every((value, { now }) => (typeof value === "number" ? place(now - value, offsets) : "-"));
    }
    case "ahead":
      return every((value, { now }) => (typeof value !== "number" ? "-" : value > now ? value : "past"));
    case "at": {
      const marks = at as readonly number[];
      if (typeof listed["less"] !== "string") return every((value) => place(value, marks));
      const less = single(listed["less"]);
      return every((value, scene) => {
        const other = less(scene);
        return typeof value === "number" && typeof other === "number" ? place(value - other, marks) : "-";
      });
    }
    case "to": {
      const others = reader(to as string);
      return every((value, scene) => {
        let key = "";
        for (const other of others(scene)) key += `${compare(value, other)};`;
        return key;
      });
    }
    case "same": {
      const other = single(same as string);
      return every((value, scene) => (value === other(scene) ? 1 : 0));
    }
    case "is":
      return every((value) => (value === listed["is"] ? 1 : 0));
    case "in": {
      const members = single(list as string);
      return every((value, scene) => {
        const found = members(scene);
        if (value === undefined || value === null) return "-";
        return Array.isArray(found) && found.includes(value) ? 1 : 0;
      });
    }
    case "each": {
      const wanted = single(each as string);
      return (scene) => {
        const mine = (one(scene) ?? {}) as Listed;
        const map = (wanted(scene) ?? {}) as Listed;
        let key = "";
        for (const name of Object.keys(map)) key += `${compare(mine[name], map[name])};`;
        return key;
      };
    }
    case "signals":
      return (scene) => {
        const signals = one(scene);
        if (!Array.isArray(signals) || signals.length === 0) return "";
        const words = signals.map(
          (signal: { type?: unknown; expires_at?: number }) =>
            `${word(signal.type)}${scene.now >= (signal.expires_at ?? 0) ? "-" : "+"}`,
        );
        return [...new Set(words)].sort().join(",");
      };
    case "daily": {
      const from = single("rollout.window.from");
      const until = single("rollout.window.to");
      return (scene) => {
        const zone = one(scene);
        const [opens, closes] = [from(scene), until(scene)];
        if (typeof opens !== "number" || typeof closes !== "number" || typeof zone !== "number") return "-";
        const days = (second: number): number => Math.floor((scene.now + zone - second) / day);
        return `${zone},${days(opens)},${days(closes)}`;
      };
    }
    default:
      throw new Fault("bundle_invalid", `the gate's fact \`${fact}\` has a form that is not known`);
  }
}
