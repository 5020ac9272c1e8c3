/** Reads a fleet file into a snapshot: NDJSON line by line, JSON and YAML as one list of the same entries. */
import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { parse as parseYaml } from "yaml";
import { Fault } from "../runtime/fault.ts";
import { giveWay } from "../runtime/give-way.ts";
import type { SnapshotSink } from "./feed.ts";
import { milledLines } from "./milled-lines.ts";
import { type Entry, parseEntry, type Trailer } from "./parse-entry.ts";
import { type Line, readLines } from "./read-lines.ts";
import type { RecordMill } from "./record-mill.ts";
import type { RecordValidator, Validated } from "./record-validator.ts";
import { elementsOf, twiceNamed } from "./twice-named.ts";

/** How a fleet file is written; `ndjson` is the one for large fleets. */
export type FleetFormat = "ndjson" | "json" | "yaml";

/** Largest JSON or YAML file, in bytes: these are held in memory whole. */
const maxWholeBytes = 64 * 1024 * 1024;
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * Puts every entry of the file into `sink`; bad ones are put as such. Throws `snapshot_refused` where the
 * file as a whole cannot be trusted: empty, without a single good record, cut off in its last line, or
 * not as its trailer says. Resolves to whether it has a trailer.
 */
export async function readFleet(
  file: FileHandle,
  format: FleetFormat,
  validate: RecordValidator,
  sink: SnapshotSink,
  mill?: RecordMill,
): Promise<{ readonly trailer: boolean }> {
  const reading = new FleetReading(validate, sink);
  if (format === "ndjson") {
    for await (const { entries, lines } of milledLines(readLines(file), mill)) {
      for (const [index, line] of lines.entries()) {
        // Here a place is nothing but unknown words of the entry.
        reading.line(line, entries?.[index]?.entry);
        const writing = sink.flush();
        if (writing !== undefined) await writing;
      }
      await giveWay();
    }
  } else {
    const { texts, values } = await readWhole(file, format);
    for (const [index, value] of values.entries()) {
      reading.entry(parseEntry(value, validate, texts?.[index]), index + 1);
      if (index % 256 === 255) await giveWay();
      await sink.flush();
    }
  }
  return reading.end();
}

/** One pass over a file: what was seen so far, for the trailer and the verdict. */
class FleetReading {
  readonly #validate: RecordValidator;
  readonly #sink: SnapshotSink;
  readonly #hash = createHash("sha256");
  #entries = 0;
  #good = 0;
  #trailer: Trailer | undefined;

  constructor(validate: RecordValidator, sink: SnapshotSink) {
    this.#validate = validate;
    this.#sink = sink;
  }

  /** `milled`: what the mill has read in it. */
  line({ bytes: raw, ended, number, tooLong }: Line, milled?: Validated): void {
    if (milled !== undefined) {
      this.#hash.update(raw).update("\n");
      this.entry(milled, number);
      return;
    }
    const bytes = number === 1 && raw.subarray(0, 3).equals(byteOrderMark) ? raw.subarray(3) : raw;
    const entry = tooLong ? wrong("longer than 1 MiB") : this.#read(bytes);
    if (!ended && (entry === "not JSON" || tooLong))
      throw refused(`line ${number}, the last, is cut off; write the file beside and rename it`);
    if (typeof entry === "object" && "end" in entry) {
      this.entry(entry, number);
      return;
    }
    this.#hash.update(raw).update("\n");
    if (entry !== "blank") this.entry(typeof entry === "string" ? wrong(entry) : entry, number);
  }

  entry(entry: Entry, line: number): void {
    if (this.#trailer !== undefined) throw refused(`line ${line} comes after the end`);
    if ("end" in entry) {
      this.#trailer = entry.end;
      return;
    }
    this.#entries++;
    if (entry.invalid === undefined) this.#good++;
    this.#sink.put(entry, line);
  }

  end(): { readonly trailer: boolean } {
    if (this.#entries === 0) throw refused("it holds no entries");
    if (this.#good === 0) throw refused(`none of its ${this.#entries} entries is a valid record`);
    const { checksum, count } = this.#trailer ?? {};
    if (count !== undefined && count !== this.#entries)
      throw refused(`it holds ${this.#entries} entries where its end says ${count}`);
    if (checksum !== undefined && checksum !== `sha256:${this.#hash.digest("hex")}`)
      throw refused("its content differs from the checksum at its end");
    return { trailer: this.#trailer !== undefined };
  }

  #read(bytes: Buffer): Entry | "blank" | "not JSON" | "not UTF-8" {
    if (!isUtf8(bytes)) return "not UTF-8";
    const text = bytes.toString("utf8");
    if (text.trim() === "") return "blank";
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return "not JSON";
    }
    return parseEntry(value, this.#validate, text);
  }
}

interface WholeFile {
  readonly values: readonly unknown[];
  /** Of each, where a name stands twice in one of them. */
  readonly texts?: readonly string[];
}

async function readWhole(file: FileHandle, format: "json" | "yaml"): Promise<WholeFile> {
  if ((await file.stat()).size > maxWholeBytes) throw refused("it is larger than 64 MiB; write it as NDJSON");
  const text = await file.readFile("utf8");
  let value: unknown;
  try {
    value = format === "json" ? JSON.parse(text) : parseYaml(text, { maxAliasCount: 100 });
  } catch (error) {
    throw Fault.from(error, "snapshot_refused", `the file is not ${format.toUpperCase()}`);
  }
  if (!Array.isArray(value)) throw refused("it is not a list of entries");
  const values = value as readonly unknown[];
  // YAML is refused where it names something twice.
  return format === "json" && twiceNamed(text, values) !== undefined
    ? { values, texts: elementsOf(text) }
    : { values };
}

function wrong(reason: string): Entry {
  return { key: undefined, invalid: reason };
}

function refused(why: string): Fault {
  return new Fault("snapshot_refused", `the file is not applied: ${why}`);
}
