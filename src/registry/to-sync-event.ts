/** Lines of a feed over HTTP: entries of a fleet file, and what changed. */
import { isUtf8 } from "node:buffer";
import { Fault } from "../runtime/fault.ts";
import type { MilledEntry } from "./milled-lines.ts";
import type { Line } from "./read-lines.ts";
import type { SyncEvent } from "./sync.ts";
import { twiceNamed } from "./twice-named.ts";

const unusable = (number: number, why: string): Fault =>
  new Fault("source_unavailable", `line ${number} of the answer ${why}`);

const whole = (value: unknown): number => (Number.isSafeInteger(value) ? (value as number) : 0);

/**
 * `{"kind", "record", "revision"?, "prev"?, "version"?}`, `{"kind": "delete", "key", "revision"?...}` or
 * `{"kind": "end", "count", "checksum"}`; `undefined`: a blank line; a `count` that is not given is -1. A record that is bad is told of by the session; a
 * line that is no entry at all throws `source_unavailable`: the answer is then not one of a feed.
 * `milled`: what the mill has read in the line.
 */
export function toSyncEvent({ bytes, number, tooLong }: Line, milled?: MilledEntry): SyncEvent | undefined {
  if (milled !== undefined) {
    const { entry, ...place } = milled;
    return { type: "upsert", kind: "device", record: bytes.toString("utf8"), read: entry, ...place };
  }
  if (tooLong) throw unusable(number, "is longer than 1 MiB");
  if (!isUtf8(bytes)) throw unusable(number, "is not UTF-8");
  const text = bytes.toString("utf8");
  if (text.trim() === "") return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw unusable(number, "is not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw unusable(number, "is no entry");
  const twice = twiceNamed(text, value);
  const { checksum, count, key, kind, prev, record, revision, version } = value as Record<string, unknown>;
  const place = { revision: whole(revision), prev: whole(prev), version: whole(version) };
  if (twice !== undefined && (kind === "end" || kind === "delete"))
    throw unusable(number, `names \`${twice.name}\` twice`);
  if (kind === "end")
    return {
      type: "end_snapshot",
      count: count === undefined ? -1 : whole(count),
      checksum: typeof checksum === "string" ? checksum : "",
    };
  if (kind === "delete") {
    if (typeof key !== "string") throw unusable(number, "deletes nothing: it has no `key`");
    return { type: "delete", key, ...place };
  }
  // What the line says of itself twice is not known either.
  const named = typeof key === "string" && twice?.depth !== 1 ? { key } : {};
  const more = twice === undefined ? named : { ...named, twice };
  return { type: "upsert", kind: String(kind), record: text, value: record ?? null, ...more, ...place };
}
