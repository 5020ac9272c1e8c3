/** Times. There is no clock: `time.now_ns` is the decision time that the input carries. */
import { doubleOf, fromBigInt } from "../numeral.ts";
import type { Term } from "../term.ts";
import type { BuiltinTable, EvaluationContext } from "./builtin.ts";
import { durationOf } from "./duration.ts";
import { fromWall, readTime, secondsOf, type WallTime, wallTime, writeTime } from "./go-time.ts";
import { bigint, integer, isArray, num, text } from "./operands.ts";

interface Zoned {
  readonly at: bigint;
  readonly zone: string;
  readonly layout: string;
}

/** A number of nanoseconds, or an array of it, a zone, and for `time.format` a layout. */
function zoned(term: Term | undefined): Zoned {
  const [at, zone = "UTC", layout = ""] = isArray(term) ? term : [term];
  return { at: bigint(num(at)), zone: text(zone), layout: text(layout) };
}

const wall = (term: Term | undefined): WallTime => {
  const { at, zone } = zoned(term);
  return wallTime(at, zone);
};

const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

function addDate(
  term: Term | undefined,
  years: Term | undefined,
  months: Term | undefined,
  day: Term | undefined,
): Term {
  const { at, zone } = zoned(term);
  const shown = wallTime(at, zone);
  const seconds = secondsOf(
    shown.year + integer(years),
    shown.month + integer(months),
    shown.day + integer(day),
    shown.hour,
    shown.minute,
    shown.second,
  );
  if (!Number.isFinite(seconds)) throw new RangeError("outside of the valid range");
  return fromBigInt(fromWall(zone, seconds, shown.nanosecond));
}

/** Years, months, days, hours, minutes, seconds between two moments, as a calendar in the first one's zone has them. */
function difference(first: Term | undefined, second: Term | undefined): Term {
  const [a, b] = [zoned(first), zoned(second)];
  const [from, to] = a.at > b.at ? [b, a] : [a, b];
  const [x, y] = [wallTime(from.at, a.zone), wallTime(to.at, a.zone)];
  const parts = [
    y.year - x.year,
    y.month - x.month,
    y.day - x.day,
    y.hour - x.hour,
    y.minute - x.minute,
    y.second - x.second,
  ];
  const days_ = new Date(secondsOf(x.year, x.month + 1, 0) * 1000).getUTCDate();
  const borrow = [0, 12, days_, 24, 60, 60];
  for (let index = 5; index > 0; index--) {
    if ((parts[index] as number) >= 0) continue;
    parts[index] = (parts[index] as number) + (borrow[index] as number);
    parts[index - 1] = (parts[index - 1] as number) - 1;
  }
  return parts;
}

/** `time.*` that need no more than their arguments. */
export const timeBuiltins: BuiltinTable = {
  "time.parse_ns": (layout, value) => fromBigInt(readTime(text(layout), text(value))),
  "time.parse_rfc3339_ns": (value) => fromBigInt(readTime("RFC3339", text(value))),
  "time.parse_duration_ns": (value) => fromBigInt(durationOf(text(value))),
  "time.format": (term) => {
    const { at, zone, layout } = zoned(term);
    return writeTime(wallTime(at, zone), layout);
  },
  "time.date": (term) => {
    const { year, month, day } = wall(term);
    return [year, month, day];
  },
  "time.clock": (term) => {
    const { hour, minute, second } = wall(term);
    return [hour, minute, second];
  },
  "time.weekday": (term) => days[wall(term).weekday] as string,
  "time.add_date": addDate,
  "time.diff": difference,
};

/** The decision time in nanoseconds: the input's `now`, which is in seconds; undefined where there is none. */
export function decisionTime(context: EvaluationContext): bigint | undefined {
  const input: unknown = JSON.parse(context.input());
  if (typeof input !== "object" || input === null) return undefined;
  const now = (input as { readonly now?: unknown }).now;
  return typeof now === "number" && Number.isFinite(now)
    ? BigInt(Math.round(doubleOf(now) * 1e9))
    : undefined;
}

/** `time.now_ns`. */
export const clockBuiltins = (context: EvaluationContext): BuiltinTable => ({
  "time.now_ns": () => {
    const now = decisionTime(context);
    return now === undefined ? undefined : fromBigInt(now);
  },
});
