/** Values as Go's `encoding/json` tells its structures: bytes as base64, whole numbers of any size. */

import { mapOf } from "../builtins/operands.ts";
import { fromBigInt } from "../numeral.ts";
import type { Term } from "../term.ts";

/** What a list without members is: Go tells a slice that was never made as `null`. */
export const orNull = <T>(list: readonly T[]): readonly T[] | null => (list.length === 0 ? null : list);

/** The term of a value made of plain objects, arrays, bytes, bigints and what JSON knows. */
export function toTerm(value: unknown): Term {
  if (typeof value === "bigint") return fromBigInt(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (Array.isArray(value)) return value.map(toTerm);
  if (typeof value !== "object" || value === null) return value as Term;
  return mapOf(Object.entries(value).map(([name, part]): [string, Term] => [name, toTerm(part)]));
}
