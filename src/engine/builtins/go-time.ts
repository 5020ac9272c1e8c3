/** Moments of the calendar as Go's `time` knows them: nanoseconds, zones, layouts. */
import { parseLayout, writeLayout } from "./go-layout.ts";

/** A moment as a clock on the wall of its zone shows it. */
export interface WallTime {
  readonly year: number;
  /** From 1. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly nanosecond: number;
  /** From 0, Sunday. */
  readonly weekday: number;
  /** Seconds east of Greenwich. */
  readonly offset: number;
  readonly zone: string;
}

const billion = 1_000_000_000n;
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  if (!/^[A-Za-z]/.test(zone)) throw new RangeError("unknown zone");
  const made = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
    timeZoneName: "short",
    era: "short",
  });
  if (formats.size > 1000) formats.clear();
  formats.set(zone, made);
  return made;
}

/** Seconds east of Greenwich at a moment (in whole seconds of Unix time), and the zone's short name. */
export function offsetAt(zone: string, second: number): { offset: number; name: string } {
  if (zone === "" || zone === "UTC") return { offset: 0, name: "UTC" };
  const parts = Object.fromEntries(
    formatOf(zone)
      .formatToParts(second * 1000)
      .map(({ type, value }) => [type, value]),
  );
  const of = (name: string): number => Number(parts[name]);
  const year = parts["era"] === "BC" ? 1 - of("year") : of("year");
  const wall = secondsOf(year, of("month"), of("day"), of("hour"), of("minute"), of("second"));
  const offset = wall - second;
  const name = String(parts["timeZoneName"]);
  return { offset, name: /^GMT[+-]/.test(name) ? shortOffset(offset) : name };
}

const shortOffset = (offset: number): string => {
  const hours = Math.trunc(Math.abs(offset) / 3600);
  const minutes = Math.trunc((Math.abs(offset) % 3600) / 60);
  const two = (part: number): string => String(part).padStart(2, "0");
  return `${offset < 0 ? "-" : "+"}${two(hours)}${minutes === 0 ? "" : two(minutes)}`;
};

/** Seconds of Unix time of a date in Greenwich; months and days may overflow. */
export function secondsOf(
  year: number,
  month: number,
  day: number,
  hour = 0,
  minute = 0,
  second = 0,
): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  return date.getTime() / 1000;
}

const floor = (value: bigint): bigint =>
  value < 0n && value % billion !== 0n ? value / billion - 1n : value / billion;

/** What a clock in `zone` shows. @throws RangeError for an unknown zone or a moment beyond 64 bits */
export function wallTime(nanoseconds: bigint, zone: string): WallTime {
  if (BigInt.asIntN(64, nanoseconds) !== nanoseconds) throw new RangeError("beyond 64 bits");
  const second = Number(floor(nanoseconds));
  const { offset, name } = offsetAt(zone, second);
  const shown = new Date((second + offset) * 1000);
  return {
    year: shown.getUTCFullYear(),
    month: shown.getUTCMonth() + 1,
    day: shown.getUTCDate(),
    hour: shown.getUTCHours(),
    minute: shown.getUTCMinutes(),
    second: shown.getUTCSeconds(),
    nanosecond: Number(nanoseconds - floor(nanoseconds) * billion),
    weekday: shown.getUTCDay(),
    offset,
    zone: name,
  };
}

/** Nanoseconds of a wall time in a zone; a time that a change of the clock skips moves on, as in Go. */
export function fromWall(zone: string, seconds: number, nanosecond: number): bigint {
  const first = offsetAt(zone, seconds).offset;
  let second = seconds - first;
  const again = offsetAt(zone, second).offset;
  if (again !== first) {
    second = seconds - again;
    if (offsetAt(zone, second).offset !== again) second = seconds - first;
  }
  return inRange(BigInt(second) * billion + BigInt(nanosecond));
}

/** @throws RangeError for a moment beyond 64 bits of nanoseconds */
export function inRange(nanoseconds: bigint): bigint {
  if (BigInt.asIntN(64, nanoseconds) !== nanoseconds) throw new RangeError("outside of the valid range");
  return nanoseconds;
}

const named: Readonly<Record<string, string>> = {
  ANSIC: "Mon Jan _2 15:04:05 2006",
  UnixDate: "Mon Jan _2 15:04:05 MST 2006",
  RubyDate: "Mon Jan 02 15:04:05 -0700 2006",
  RFC822: "02 Jan 06 15:04 MST",
  RFC822Z: "02 Jan 06 15:04 -0700",
  RFC850: "Monday, 02-Jan-06 15:04:05 MST",
  RFC1123: "Mon, 02 Jan 2006 15:04:05 MST",
  RFC1123Z: "Mon, 02 Jan 2006 15:04:05 -0700",
  RFC3339: "2006-01-02T15:04:05Z07:00",
  RFC3339Nano: "2006-01-02T15:04:05.999999999Z07:00",
};

const layoutOf = (layout: string): string =>
  Object.hasOwn(named, layout) ? (named[layout] as string) : layout;

/** Writes a moment by a layout, or by the name of one of Go's. */
export const writeTime = (time: WallTime, layout: string): string =>
  writeLayout(time, layoutOf(layout === "" ? "RFC3339Nano" : layout));

/** Reads a moment by a layout. @throws TypeError, RangeError */
export function readTime(layout: string, text: string): bigint {
  const { year, month, day, hour, minute, second, nanosecond, offset } = parseLayout(layoutOf(layout), text);
  const seconds = secondsOf(year, month, day, hour, minute, second) - offset;
  return inRange(BigInt(seconds) * billion + BigInt(nanosecond));
}
