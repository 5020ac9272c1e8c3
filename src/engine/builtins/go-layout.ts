/** Go's layouts of dates, in which `Mon Jan 2 15:04:05 MST 2006` stands for any moment. */
import type { WallTime } from "./go-time.ts";

const months = "January February March April May June July August September October November December".split(
  " ",
);
const days = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split(" ");
const two = (part: number): string => String(part).padStart(2, "0");

/** The longest element first, as Go looks for them. */
const element =
  /January|Jan|Monday|Mon|MST|2006|002|__2|_2(?!006)|01|02|03|04|05|06|15|PM|pm|Z07:00:00|Z070000|Z07:00|Z0700|Z07|-07:00:00|-070000|-07:00|-0700|-07|[.,]0+(?!\d)|[.,]9+(?!\d)|1|2|3|4|5/g;

function zoneOffset(offset: number, form: string): string {
  if (form.startsWith("Z") && offset === 0) return "Z";
  const absolute = Math.abs(offset);
  const [hours, minutes, seconds] = [
    Math.trunc(absolute / 3600),
    Math.trunc((absolute % 3600) / 60),
    absolute % 60,
  ];
  const colon = form.includes(":") ? ":" : "";
  const sign = offset < 0 ? "-" : "+";
  const short = form.length === 3;
  const long = form.replaceAll(":", "").length === 7;
  return `${sign}${two(hours)}${short ? "" : colon + two(minutes)}${long ? colon + two(seconds) : ""}`;
}

function fraction(nanosecond: number, form: string): string {
  const digits = String(nanosecond)
    .padStart(9, "0")
    .slice(0, form.length - 1);
  if (form[1] === "0") return `${form[0]}${digits}`;
  const trimmed = digits.replace(/0+$/, "");
  return trimmed === "" ? "" : `${form[0]}${trimmed}`;
}

const twelve = (hour: number): number => (hour % 12 === 0 ? 12 : hour % 12);

const writers: Readonly<Record<string, (time: WallTime) => string>> = {
  January: ({ month }) => months[month - 1] as string,
  Jan: ({ month }) => (months[month - 1] as string).slice(0, 3),
  Monday: ({ weekday }) => days[weekday] as string,
  Mon: ({ weekday }) => (days[weekday] as string).slice(0, 3),
  MST: ({ zone }) => zone,
  "2006": ({ year }) => (year < 0 ? "-" : "") + String(Math.abs(year)).padStart(4, "0"),
  "06": ({ year }) => two(Math.abs(year) % 100),
  "01": ({ month }) => two(month),
  "1": ({ month }) => String(month),
  "02": ({ day }) => two(day),
  _2: ({ day }) => String(day).padStart(2),
  "2": ({ day }) => String(day),
  "002": (time) => String(dayOfYear(time)).padStart(3, "0"),
  __2: (time) => String(dayOfYear(time)).padStart(3),
  "15": ({ hour }) => two(hour),
  "03": ({ hour }) => two(twelve(hour)),
  "3": ({ hour }) => String(twelve(hour)),
  "04": ({ minute }) => two(minute),
  "4": ({ minute }) => String(minute),
  "05": ({ second }) => two(second),
  "5": ({ second }) => String(second),
  PM: ({ hour }) => (hour >= 12 ? "PM" : "AM"),
  pm: ({ hour }) => (hour >= 12 ? "pm" : "am"),
};

const dayOfYear = ({ year, month, day }: WallTime): number =>
  (Date.UTC(year, month - 1, day) - Date.UTC(year, 0, 1)) / 86_400_000 + 1;

/** Writes a moment. */
export const writeLayout = (time: WallTime, layout: string): string =>
  layout.replace(element, (form) => {
    const write = writers[form];
    if (write !== undefined) return write(time);
    return /^[.,]/.test(form) ? fraction(time.nanosecond, form) : zoneOffset(time.offset, form);
  });

/** What a text says of a moment; what it does not say is the beginning of year 0, in Greenwich. */
export interface ReadTime {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  nanosecond: number;
  offset: number;
}

const patterns: Readonly<Record<string, string>> = {
  January: `(${months.join("|")})`,
  Jan: `(${months.map((name) => name.slice(0, 3)).join("|")})`,
  Monday: `(${days.join("|")})`,
  Mon: `(${days.map((name) => name.slice(0, 3)).join("|")})`,
  MST: "(UTC|GMT(?:[+-]\\d{1,2})?|[A-Z]{3,5}|[+-]\\d{2,4})",
  "2006": "(\\d{4})",
  "002": "(\\d{3})",
  __2: "([ \\d]{2}\\d)",
  _2: "( ?\\d{1,2})",
  PM: "(AM|PM)",
  pm: "(am|pm)",
};

function patternOf(form: string): string {
  const known = patterns[form];
  if (known !== undefined) return known;
  if (/^[.,]9/.test(form)) return "((?:[.,]\\d+)?)";
  if (/^[.,]0/.test(form)) return `([.,]\\d{${form.length - 1}})`;
  if (/^[Z-]0/.test(form)) {
    const body = form.slice(1).replace("07", "\\d\\d").replaceAll("00", "\\d\\d");
    return form.startsWith("Z") ? `(Z|[+-]${body})` : `([+-]${body})`;
  }
  // Go lets a fraction follow the seconds that the layout does not name.
  if (form === "05" || form === "5") return `(\\d${form === "05" ? "\\d" : "{1,2}"}(?:[.,]\\d+)?)`;
  return form.length === 2 && form !== "15" ? "(\\d\\d)" : "(\\d{1,2})";
}

/** Reads a moment. @throws TypeError for a text of another form, RangeError for a 13th month */
export function parseLayout(layout: string, text: string): ReadTime {
  const forms: string[] = [];
  let from = 0;
  let pattern = "^";
  const literal = (part: string): string => part.replace(/[\\.+*?()|[\]{}^$/]/g, "\\$&");
  for (const found of layout.matchAll(element)) {
    let form = found[0];
    pattern += literal(layout.slice(from, found.index));
    from = found.index + form.length;
    const next = layout.slice(from);
    let expected = patternOf(form);
    if ((form === "05" || form === "5") && /^[.,][09]/.test(next))
      expected = expected.replace("(?:[.,]\\d+)?", "");
    if (form === "15") form = "15";
    pattern += expected;
    forms.push(form);
  }
  const matched = new RegExp(`${pattern}${literal(layout.slice(from))}$`, "i").exec(text);
  if (matched === null) throw new TypeError("the text does not have the layout's form");
  return collect(forms, matched.slice(1));
}

function collect(forms: readonly string[], values: readonly string[]): ReadTime {
  const time: ReadTime = {
    year: 0,
    month: 1,
    day: 1,
    hour: 0,
    minute: 0,
    second: 0,
    nanosecond: 0,
    offset: 0,
  };
  let afternoon: boolean | undefined;
  let ofYear: number | undefined;
  const nameIn = (names: readonly string[], value: string): number =>
    names.findIndex((name) => name.toLowerCase().startsWith(value.toLowerCase()));
  for (const [index, form] of forms.entries()) {
    const value = values[index] as string;
    const number = Number(value);
    if (form === "2006") time.year = number;
    else if (form === "06") time.year = number >= 69 ? 1900 + number : 2000 + number;
    else if (form === "01" || form === "1") time.month = number;
    else if (form === "Jan" || form === "January") time.month = nameIn(months, value) + 1;
    else if (form === "02" || form === "2" || form === "_2") time.day = number;
    else if (form === "002" || form === "__2") ofYear = number;
    else if (form === "15" || form === "03" || form === "3") time.hour = number;
    else if (form === "04" || form === "4") time.minute = number;
    else if (form === "05" || form === "5") {
      time.second = Math.trunc(Number.parseInt(value, 10));
      time.nanosecond = nanoseconds(value.slice(value.search(/[.,]|$/)));
    } else if (/^[.,]/.test(form)) time.nanosecond = nanoseconds(value);
    else if (form === "PM" || form === "pm") afternoon = value.toLowerCase() === "pm";
    else if (/^[Z-]/.test(form)) time.offset = readOffset(value);
  }
  if (afternoon !== undefined) {
    if (time.hour > 12) throw new RangeError("beyond twelve hours");
    time.hour = (time.hour % 12) + (afternoon ? 12 : 0);
  }
  if (ofYear !== undefined) [time.month, time.day] = [1, ofYear];
  check(time, ofYear);
  return time;
}

const nanoseconds = (value: string): number => Number(value.slice(1, 10).padEnd(9, "0"));

function readOffset(value: string): number {
  if (value.toUpperCase() === "Z") return 0;
  const [hours = 0, minutes = 0, seconds = 0] = (value.match(/\d\d/g) ?? []).map(Number);
  if (hours > 24 || minutes >= 60) throw new RangeError("no such offset");
  return (value.startsWith("-") ? -1 : 1) * (hours * 3600 + minutes * 60 + seconds);
}

function check({ year, month, day, hour, minute, second }: ReadTime, ofYear: number | undefined): void {
  const last = ofYear === undefined ? lastDay(year, month) : 366;
  const fits = month >= 1 && month <= 12 && day >= 1 && day <= last;
  if (!fits || hour > 23 || minute > 59 || second > 59) throw new RangeError("no such moment");
}

const lastDay = (year: number, month: number): number => {
  const date = new Date(0);
  date.setUTCFullYear(year, month, 0);
  return date.getUTCDate();
};
