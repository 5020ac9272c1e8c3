/** Rego's `sprintf`, which is Go's, as far as its result is certain here. */
import { Fault } from "../runtime/fault.ts";
import { formatTerm, type Term } from "./term.ts";

const directive = /%([-0]*)(\d*)(?:\.(\d+))?(.?)/gsu;

/**
 * Formats with the verbs `%s %v %d %x %f %%`, their widths, precision of `%f`, and the flags `-` and `0`.
 * @throws Fault `policy_trap` for anything else that Go would answer (`%!d(string=a)`, missing or extra
 * values): such text in a decision is a mistake, and a silent difference from OPA would be a worse one
 */
export function sprintf(format: string, values: Term): string {
  if (!Array.isArray(values)) throw new TypeError("not an array");
  let next = 0;
  const formatted = format.replace(
    directive,
    (whole, flags: string, width: string, precision, verb: string) => {
      if (verb === "%" && whole === "%%") return "%";
      if (next >= values.length) throw refused(whole);
      const shown = show(verb, values[next++] as Term, precision as string | undefined);
      if (shown === undefined) throw refused(whole);
      const size = Number(width);
      if (flags.includes("-")) return pad(shown, size, "right");
      const zeros = flags.includes("0") && /^-?[\da-f.]+$/.test(shown) && "dxf".includes(verb);
      return zeros ? zeroPad(shown, size) : pad(shown, size, "left");
    },
  );
  if (next !== values.length) throw refused(format);
  return formatted;
}

function show(verb: string, value: Term, precision: string | undefined): string | undefined {
  const whole = typeof value === "number" && Number.isInteger(value);
  if (precision !== undefined && verb !== "f") return undefined;
  if (verb === "d" && whole) return String(value);
  if (verb === "x" && whole) return value.toString(16);
  if (verb === "f" && typeof value === "number" && !whole) return value.toFixed(Number(precision ?? 6));
  if (verb !== "v" && (verb !== "s" || typeof value === "number")) return undefined;
  if (typeof value === "string") return value;
  return typeof value === "number" && !whole ? shortest(value) : formatTerm(value, quote);
}

const letters: Readonly<Record<string, string>> = {
  "\u0007": "a",
  "\b": "b",
  "\t": "t",
  "\n": "n",
  "\v": "v",
  "\f": "f",
  "\r": "r",
  '"': '"',
  "\\": "\\",
};

/** Go's `strconv.Quote`, in which values inside collections are shown. */
function quote(text: string): string {
  const escaped = text.replace(/["\\]|[^ \p{L}\p{M}\p{N}\p{P}\p{S}]/gu, (symbol) => {
    const letter = letters[symbol];
    if (letter !== undefined) return `\\${letter}`;
    const point = symbol.codePointAt(0) as number;
    const hex = (length: number): string => point.toString(16).padStart(length, "0");
    if (point < 0x80) return `\\x${hex(2)}`;
    return point < 0x10000 ? `\\u${hex(4)}` : `\\U${hex(8)}`;
  });
  return `"${escaped}"`;
}

/** Go's `%g`: the fewest digits, an exponent of two digits below 1e-4 and from 1e21. */
function shortest(value: number): string {
  const [digits, exponent] = value.toExponential().split("e") as [string, string];
  const power = Number(exponent);
  if (power >= -4 && power < 21) return String(value);
  return `${digits}e${exponent.slice(0, 1)}${exponent.slice(1).padStart(2, "0")}`;
}

/** Widths count code points, as Go's do. */
function pad(shown: string, size: number, side: "left" | "right"): string {
  const missing = " ".repeat(Math.max(0, size - Array.from(shown).length));
  return side === "left" ? missing + shown : shown + missing;
}

function zeroPad(shown: string, size: number): string {
  const sign = shown.startsWith("-") ? "-" : "";
  return sign + shown.slice(sign.length).padStart(size - sign.length, "0");
}

const refused = (part: string): Fault =>
  new Fault(
    "policy_trap",
    `the policy formats with \`${part}\`, use %s, %v, %d, %x or %f with a value that fits`,
  );
