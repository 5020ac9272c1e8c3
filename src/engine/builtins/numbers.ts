/** Numbers, and the casts of older policies. */
import { fromBigInt } from "../numeral.ts";
import type { Term } from "../term.ts";
import type { Builtin, BuiltinTable } from "./builtin.ts";
import { array, bigint, flag, isSet, map, text } from "./operands.ts";

/** Longest range that is made: it is memory that a policy asks for. */
const maxRange = 1_000_000n;

const range: Builtin = (from, to, step) => {
  const [first, last, by] = [bigint(from), bigint(to), bigint(step)];
  if (by <= 0n) return undefined;
  const length = (first <= last ? last - first : first - last) / by + 1n;
  if (length > maxRange) throw new RangeError("too long a range");
  const sign = first <= last ? by : -by;
  return Array.from({ length: Number(length) }, (_, index) => fromBigInt(first + BigInt(index) * sign));
};

/** Builtins on numbers and types that the module lacks. */
export const numberBuiltins: BuiltinTable = {
  "numbers.range_step": range,
  cast_array: (value) => (isSet(value) ? [...value] : array(value)),
  cast_set: (value) => (isSet(value) ? value : new Set<Term>(array(value))),
  cast_string: (value) => text(value),
  cast_boolean: (value) => flag(value),
  cast_null: (value) => (value === null ? null : undefined),
  cast_object: (value) => map(value),
};
