/** Rego's numbers are decimal texts of any size; a double holds only some of them. */

/** A number that a double would not give back as it was written: beyond 2^53, or `1.0`, or `1e2`. */
export class Numeral {
  /** As Rego has it: JSON's grammar of a number. */
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A number of Rego. */
export type Num = number | Numeral;

/** The number that a text of JSON's grammar writes: a double where that gives the text back. */
export function toNum(text: string): Num {
  const value = Number(text);
  const exact = String(value) === text && (!Number.isInteger(value) || Number.isSafeInteger(value));
  return exact ? value : new Numeral(text);
}

/** The number that an integer of any size is. */
export const fromBigInt = (value: bigint): Num => toNum(value.toString());

/** The text of a number, in JSON's grammar. */
export const numText = (value: Num): string => (typeof value === "number" ? String(value) : value.text);

interface Decimal {
  readonly digits: bigint;
  /** The value is `digits * 10 ** exponent`. */
  readonly exponent: number;
}

const decimalPattern = /^(-?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;

function decimal(value: Num): Decimal {
  const [, sign, whole, fraction = "", exponent = "0"] = decimalPattern.exec(numText(value)) ?? [];
  if (whole === undefined) throw new TypeError("not a number");
  return { digits: BigInt(`${sign}${whole}${fraction}`), exponent: Number(exponent) - fraction.length };
}

/** Powers of ten beyond this are not computed with: they would be a way to exhaust memory. */
const maxScale = 5000;

const scaled = ({ digits, exponent }: Decimal, to: number): bigint => {
  if (exponent - to > maxScale) throw new RangeError("too large a number");
  return digits * 10n ** BigInt(exponent - to);
};

/** Order of two numbers, exact. */
export function compareNums(left: Num, right: Num): number {
  if (typeof left === "number" && typeof right === "number") return left - right;
  const [a, b] = [decimal(left), decimal(right)];
  const far = Math.abs(a.exponent - b.exponent) > maxScale;
  if (far)
    return (
      Number(numText(left)) - Number(numText(right)) || (a.exponent - b.exponent) * (a.digits < 0n ? -1 : 1)
    );
  const base = Math.min(a.exponent, b.exponent);
  const [x, y] = [scaled(a, base), scaled(b, base)];
  if (x === y) return 0;
  return x < y ? -1 : 1;
}

/** The integer that a number is, or undefined where it has a fraction: `1.0` and `1e2` are integers. */
export function wholeOf(value: Num): bigint | undefined {
  if (typeof value === "number") return Number.isInteger(value) ? BigInt(value) : undefined;
  const { digits, exponent } = decimal(value);
  if (exponent >= 0) return scaled({ digits, exponent }, 0);
  if (exponent < -maxScale) return digits === 0n ? 0n : undefined;
  const divisor = 10n ** BigInt(-exponent);
  return digits % divisor === 0n ? digits / divisor : undefined;
}

/** The double nearest to a number. */
export const doubleOf = (value: Num): number => (typeof value === "number" ? value : Number(value.text));
