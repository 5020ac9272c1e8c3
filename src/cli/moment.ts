/** Moments as people give and read them. */
import { Fault } from "../runtime/fault.ts";

const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/**
 * Reads `now`, a time from now (`-1d`, `+20m`; units s, m, h, d, w), unix seconds, or ISO 8601 with its zone.
 * @param now unix seconds
 * @returns unix seconds
 * @throws Fault `request_invalid`
 */
export function parseMoment(text: string, now: number, name: string): number {
  if (text === "now") return now;
  const relative = /^([+-])(\d{1,9})([smhdw])$/.exec(text);
  if (relative !== null) {
    const seconds = Number(relative[2]) * (units[relative[3] ?? "s"] ?? 1);
    return relative[1] === "-" ? now - seconds : now + seconds;
  }
  if (/^\d{1,12}$/.test(text)) return Number(text);
  const absolute = /^\d{4}-\d\d-\d\dT.*(?:Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(absolute)) return Math.floor(absolute / 1000);
  throw new Fault(
    "request_invalid",
    `\`${name}\` is \`${text}\`, which is no time: give \`now\`, \`-1d\`, \`+20m\`, unix seconds or \`2026-01-31T12:00:00Z\``,
  );
}

/**
 * Reads a span: `90`, `20m`, `2d`, `2d12h`; units s, m, h, d, w.
 * @returns seconds
 * @throws Fault `request_invalid`
 */
export function parseSpan(given: string | number, name: string): number {
  const text = String(given);
  if (/^\d{1,9}$/.test(text)) return Number(text);
  if (/^(?:\d{1,6}[smhdw])+$/.test(text))
    return [...text.matchAll(/(\d+)([smhdw])/g)].reduce(
      (sum, [, amount, unit]) => sum + Number(amount) * (units[unit ?? "s"] ?? 1),
      0,
    );
  throw new Fault(
    "request_invalid",
    `\`${name}\` is \`${text}\`, which is no span: give \`20m\`, \`2d12h\` or seconds`,
  );
}

/** A span of seconds in its two largest units: `45 s`, `59 min 30 s`, `3 d 4 h`. */
export function showSpan(seconds: number): string {
  const parts: string[] = [];
  let rest = Math.abs(Math.trunc(seconds));
  for (const [size, name] of [
    [86_400, "d"],
    [3600, "h"],
    [60, "min"],
    [1, "s"],
  ] as const) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count} ${name}`);
    else if (parts.length > 0) break;
  }
  return parts.length === 0 ? "0 s" : parts.slice(0, 2).join(" ");
}

/** `2026-01-31T12:00:00Z (in 59 min)`; both times unix seconds. `0` and times beyond the calendar are shown as numbers. */
export function showMoment(at: number, now: number): string {
  if (!(at > 0 && at < 253_402_300_800)) return String(at);
  const day = new Date(at * 1000).toISOString().replace(".000Z", "Z");
  return `${day} (${at > now ? `in ${showSpan(at - now)}` : at === now ? "now" : `${showSpan(now - at)} ago`})`;
}
