/** Rego's `sprintf`, which is Go's `fmt.Sprintf` of strings, integers of any size and doubles. */
import { doubleOf, numText } from "../numeral.ts";
import { formatTerm, type Term } from "../term.ts";
import { goExponent, goFixed, goShortest } from "./go-float.ts";
import { quote } from "./go-quote.ts";
import { array, integer, isNum, text } from "./operands.ts";

/** What Go sees of a Rego value. */
type Operand =
  | { kind: "string"; value: string }
  | { kind: "int"; value: bigint }
  | { kind: "float64"; value: number };

interface Directive {
  readonly flags: string;
  readonly width: number | undefined;
  readonly precision: number | undefined;
}

function operand(term: Term): Operand {
  if (typeof term === "string") return { kind: "string", value: term };
  if (!isNum(term)) return { kind: "string", value: formatTerm(term, quote) };
  const digits = numText(term);
  if (!/[.eE]/.test(digits)) return { kind: "int", value: BigInt(digits) };
  const value = doubleOf(term);
  return Number.isFinite(value) ? { kind: "float64", value } : { kind: "string", value: digits };
}

const directive = /%([-+# 0]*)(\*|\d*)(?:(\.)(\*|\d*))?(?:\[(\d+)\])?(.?)/gsu;

/** Formats; what does not fit is said in the text as Go says it, for example `%!d(string=a)`. */
export function sprintf(format: Term | undefined, values: Term | undefined): string {
  const terms = array(values);
  let next = 0;
  let reordered = false;
  const star = (part: string | undefined): number | undefined => {
    if (part === "*") return integer(terms[next++]);
    return part === undefined || part === "" ? undefined : Number(part);
  };
  const formatted = text(format).replace(
    directive,
    (
      _whole,
      flags: string,
      width: string,
      dot: string | undefined,
      precision: string | undefined,
      index: string | undefined,
      verb: string,
    ) => {
      if (verb === "") return "%!(NOVERB)";
      if (verb === "%") return "%";
      const shape: Directive = {
        flags,
        width: star(width),
        precision: dot === undefined ? undefined : (star(precision) ?? 0),
      };
      if (index !== undefined) {
        next = Number(index) - 1;
        reordered = true;
      }
      if (next < 0 || next >= terms.length)
        return index === undefined ? `%!${verb}(MISSING)` : `%!${verb}(BADINDEX)`;
      return show(verb, operand(terms[next++] as Term), shape);
    },
  );
  if (reordered || next >= terms.length) return formatted;
  const extra = terms
    .slice(next)
    .map(operand)
    .map(({ kind, value }) => `${kind === "int" ? "int64" : kind}=${plainText(kind, value)}`);
  return `${formatted}%!(EXTRA ${extra.join(", ")})`;
}

const plainText = (kind: string, value: string | bigint | number): string =>
  kind === "float64" ? goShortest(value as number) : String(value);

function show(verb: string, value: Operand, shape: Directive): string {
  const shown = display(verb, value, shape);
  if (shown === undefined) {
    const big = value.kind === "int" && BigInt.asIntN(64, value.value) !== value.value;
    const type = big ? "*big.Int" : value.kind;
    return `%!${verb}(${type === "int" ? "int64" : type}=${plainText(value.kind, value.value)})`;
  }
  const numeric = value.kind !== "string";
  const signed = numeric && /[vdefgEFG]/.test(verb) && !shown.startsWith("-");
  const sign = signed && shape.flags.includes("+") ? "+" : signed && shape.flags.includes(" ") ? " " : "";
  return pad(sign + shown, shape, numeric);
}

function display(verb: string, value: Operand, { precision, flags }: Directive): string | undefined {
  if (value.kind === "string") return showText(verb, value.value, precision, flags);
  if (verb === "T") return value.kind === "int" ? "int64" : "float64";
  if (value.kind === "int") return showInteger(verb, value.value, precision, flags);
  const number = value.value;
  switch (verb) {
    case "v":
    case "g":
    case "G": {
      const shown =
        precision === undefined
          ? goShortest(number)
          : goShortest(Number(number.toPrecision(Math.max(precision, 1))));
      return verb === "G" ? shown.toUpperCase() : shown;
    }
    case "f":
    case "F":
      return goFixed(number, precision ?? 6);
    case "e":
      return goExponent(number, precision ?? 6);
    case "E":
      return goExponent(number, precision ?? 6).toUpperCase();
    default:
      return undefined;
  }
}

function showText(
  verb: string,
  value: string,
  precision: number | undefined,
  flags: string,
): string | undefined {
  const cut = precision === undefined ? value : Array.from(value).slice(0, precision).join("");
  switch (verb) {
    case "v":
      return flags.includes("#") ? quote(cut) : cut;
    case "s":
      return cut;
    case "q":
      return flags.includes("#") && !/[`\p{Cc}]/u.test(cut) ? `\`${cut}\`` : quote(cut);
    case "x":
      return Buffer.from(value).toString("hex");
    case "X":
      return Buffer.from(value).toString("hex").toUpperCase();
    case "T":
      return "string";
    default:
      return undefined;
  }
}

const bases: Readonly<Record<string, { radix: number; mark: string }>> = {
  v: { radix: 10, mark: "" },
  d: { radix: 10, mark: "" },
  b: { radix: 2, mark: "0b" },
  o: { radix: 8, mark: "0" },
  x: { radix: 16, mark: "0x" },
  X: { radix: 16, mark: "0X" },
};

function showInteger(
  verb: string,
  value: bigint,
  precision: number | undefined,
  flags: string,
): string | undefined {
  const negative = value < 0n ? "-" : "";
  const absolute = value < 0n ? -value : value;
  // Go formats integers beyond 64 bits as text for %s.
  if (verb === "s" && BigInt.asIntN(64, value) !== value) return value.toString();
  if (verb === "c") return String.fromCodePoint(Number(value));
  if (verb === "q") return `'${String.fromCodePoint(Number(value))}'`;
  if (verb === "U") return `U+${absolute.toString(16).toUpperCase().padStart(4, "0")}`;
  if (verb === "O") return `${negative}0o${absolute.toString(8)}`;
  const base = bases[verb];
  if (base === undefined) return undefined;
  let digits = absolute.toString(base.radix).padStart(precision ?? 0, "0");
  if (verb === "X") digits = digits.toUpperCase();
  return negative + (flags.includes("#") ? base.mark : "") + digits;
}

/** Widths count code points, as Go's do. */
function pad(shown: string, { flags, width }: Directive, numeric: boolean): string {
  if (width === undefined) return shown;
  const missing = Math.max(0, Math.abs(width) - Array.from(shown).length);
  if (flags.includes("-") || width < 0) return shown + " ".repeat(missing);
  if (!flags.includes("0") || !numeric) return " ".repeat(missing) + shown;
  const sign = /^[-+ ]/.exec(shown)?.[0] ?? "";
  return sign + "0".repeat(missing) + shown.slice(sign.length);
}
