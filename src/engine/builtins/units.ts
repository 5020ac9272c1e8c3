/** Quantities with units, exact. */
import { fromBigInt, type Num, toNum } from "../numeral.ts";
import type { BuiltinTable } from "./builtin.ts";
import { text } from "./operands.ts";

/** `numerator / denominator`. */
interface Ratio {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

const letters = ["k", "m", "g", "t", "p", "e"];

/** Number and unit. An `e` belongs to the number where digits or a sign follow. */
function parts(quantity: string): { ratio: Ratio; unit: string } {
  if (quantity.includes(" ")) throw new TypeError("spaces are not allowed");
  const found = /^((?:[\d.+-]|[eE](?:[+-]|(?=\d)))*)(.*)$/s.exec(quantity) as RegExpExecArray;
  return { ratio: ratio(found[1] as string), unit: found[2] as string };
}

function ratio(digits: string): Ratio {
  const found = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,6}))?$/.exec(digits);
  if (found === null || !/^[+-]?\.?\d/.test(digits)) throw new TypeError("not a number");
  const [, sign, whole, fraction = "", exponent = "0"] = found as unknown as string[];
  const numerator = BigInt(`${sign === "-" ? "-" : ""}${whole}${fraction}`);
  const power = Number(exponent) - fraction.length;
  if (Math.abs(power) > 10_000) throw new RangeError("too large an exponent");
  if (power >= 0) return { numerator: numerator * 10n ** BigInt(power), denominator: 1n };
  return { numerator, denominator: 10n ** BigInt(-power) };
}

/** Half away from zero at the tenth decimal, as Go's FloatString(10). */
function decimal({ numerator, denominator }: Ratio): Num {
  if (numerator % denominator === 0n) return fromBigInt(numerator / denominator);
  const negative = numerator < 0n;
  const scaled = (2n * (negative ? -numerator : numerator) * 10n ** 10n + denominator) / (2n * denominator);
  const digits = scaled.toString().padStart(11, "0");
  return toNum(`${negative ? "-" : ""}${digits.slice(0, -10)}.${digits.slice(-10)}`);
}

/** The double nearest to a thousandth, as a ratio: OPA multiplies with it. */
const milli: Ratio = { numerator: 1152921504606847n, denominator: 1152921504606846976n };

function factor(unit: string): Ratio {
  const lower = unit.slice(1).toLowerCase();
  const normal = unit.slice(0, 1) + lower;
  if (normal === "") return { numerator: 1n, denominator: 1n };
  if (normal === "m") return milli;
  return { numerator: scale(normal.toLowerCase(), false), denominator: 1n };
}

function scale(unit: string, bytes: boolean): bigint {
  const found = (bytes ? /^([kmgtpe])(i?)(b?)$/ : /^([kmgtpe])(i?)$/).exec(unit);
  if (found === null) throw new TypeError("unknown unit");
  const power = BigInt(letters.indexOf(found[1] as string) + 1);
  return (found[2] === "i" ? 1024n : 1000n) ** power;
}

/** `units.*`. */
export const unitBuiltins: BuiltinTable = {
  "units.parse": (quantity) => {
    const { ratio: value, unit } = parts(text(quantity).replaceAll('"', ""));
    const by = factor(unit);
    return decimal({
      numerator: value.numerator * by.numerator,
      denominator: value.denominator * by.denominator,
    });
  },
  "units.parse_bytes": (quantity) => {
    const { ratio: value, unit } = parts(text(quantity).toLowerCase().replaceAll('"', ""));
    const by = unit === "" ? 1n : scale(unit, true);
    return fromBigInt((value.numerator * by) / value.denominator);
  },
};
