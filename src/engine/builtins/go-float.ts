/** Doubles as Go's `strconv.FormatFloat` writes them. */

const twoDigits = (exponent: string): string =>
  `${exponent.slice(0, 1)}${exponent.slice(1).padStart(2, "0")}`;

/** Go's `%v`: the fewest digits, an exponent of two digits below 1e-4 and from 1e21. */
export function goShortest(value: number): string {
  const [digits, exponent] = value.toExponential().split("e") as [string, string];
  const power = Number(exponent);
  if (value === 0 || (power >= -4 && power < 21)) return plain(value);
  return `${digits}e${twoDigits(exponent)}`;
}

/** Go's `%e`. */
export function goExponent(value: number, precision: number): string {
  const [digits, exponent] = value.toExponential(precision).split("e") as [string, string];
  return `${digits}e${twoDigits(exponent)}`;
}

/** JavaScript writes small doubles with an exponent from 1e-7 on; Go's range begins at 1e-4. */
const plain = (value: number): string => (Object.is(value, -0) ? "-0" : String(value));

/** Go's `%f`: the exact decimal expansion, rounded half to even on the exact value. */
export function goFixed(value: number, precision: number): string {
  if (Math.abs(value) < 1e21 && precision <= 100) return value.toFixed(precision);
  return `${BigInt(value)}${precision > 0 ? `.${"0".repeat(precision)}` : ""}`;
}
