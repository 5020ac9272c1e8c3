/** Puts generated values into facts. */
import { type Facts, isFacts } from "../facts.ts";
import type { Twist } from "./arbitrary-facts.ts";
import { Moment } from "./vocabulary.ts";

/** Moments as seconds. */
function settled(value: unknown, now: number): unknown {
  if (value instanceof Moment) return now + value.offset;
  if (Array.isArray(value)) return value.map((each) => settled(each, now));
  if (!isFacts(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, settled(each, now)]));
}

function put(value: unknown, [step, ...rest]: readonly string[], by: unknown): unknown {
  if (step === undefined) return by;
  if (Array.isArray(value)) return step === "*" ? value.map((each) => put(each, rest, by)) : value;
  if (!isFacts(value)) return value;
  if (step === "*")
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, put(each, rest, by)]));
  if (rest.length > 0 && !Object.hasOwn(value, step)) return value;
  const changed: Record<string, unknown> = { ...value };
  const made = put(changed[step], rest, by);
  if (made === undefined) delete changed[step];
  else changed[step] = made;
  return changed;
}

/** A copy with the value at a dotted path, taken away where it is undefined; the same where its parent is missing. */
export function putAt(facts: Facts, path: string, by: unknown): Facts {
  return put(facts, path.split("."), by) as Facts;
}

/** A copy with every twist, in order. */
export function twistFacts(facts: Facts, twists: readonly Twist[]): Facts {
  const now = typeof facts["now"] === "number" ? facts["now"] : 0;
  return twists.reduce<Facts>((so, { path, value }) => putAt(so, path, settled(value, now)), facts);
}

/** Twists with absolute times, as they are told. */
export function settledTwists(facts: Facts, twists: readonly Twist[]): readonly Twist[] {
  const now = typeof facts["now"] === "number" ? facts["now"] : 0;
  return twists.map(({ path, value }) => ({ path, value: settled(value, now) }));
}
