/** Lines of a large file or answer, with what the mill has read in those that hold a good device. */
import { isUtf8 } from "node:buffer";
import type { Line } from "./read-lines.ts";
import type { RecordMill } from "./record-mill.ts";
import type { Validated } from "./record-validator.ts";

/** What a line says beside its record. */
export interface Place {
  readonly revision: number;
  readonly prev: number;
  readonly version: number;
}

/** A device that was read in a line, and its place where the line says one. */
export interface MilledEntry extends Place {
  readonly entry: Validated;
}

/** Lines, and of some what was read in them. */
export interface MilledLines {
  readonly lines: readonly Line[];
  readonly entries?: readonly (MilledEntry | undefined)[];
}

/** Lines that are read by whoever asks before the mill is. */
const smallFile = 512;
/** Lines that are worth a question to the mill. */
const worthAsking = 96;
/** Batches of lines that are in the mill while the next is read. */
const batchesInMill = 6;
const brace = "}".charCodeAt(0);

/** The same lines, in batches; while some are in the mill, the next ones are read. */
export async function* milledLines(
  all: AsyncIterable<readonly Line[]>,
  mill: RecordMill | undefined,
): AsyncGenerator<MilledLines> {
  const waiting: (() => Promise<MilledLines>)[] = [];
  let seen = 0;
  for await (const lines of mill === undefined ? all : batched(all)) {
    seen += lines.length;
    // Most files are small: they are read before a thread has started.
    const entries = mill === undefined || seen <= smallFile ? undefined : grind(lines, mill);
    waiting.push(async () => (entries === undefined ? { lines } : { lines, entries: await entries }));
    if (waiting.length > batchesInMill) yield await (waiting.shift() as () => Promise<MilledLines>)();
  }
  for (const each of waiting) yield await each();
}

async function* batched(all: AsyncIterable<readonly Line[]>): AsyncGenerator<readonly Line[]> {
  let batch: Line[] = [];
  for await (const lines of all) {
    batch.push(...lines);
    if (batch.length < worthAsking) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** How a device's line begins as programs write it: what follows, but for its end, is the record. */
const devicePrefix = Buffer.from('{"kind":"device","record":');
/** How it ends where it says its place; what ends so within the record is followed by another brace. */
const placeSuffix = /\}((?:,"(?:revision|prev|version)":(?:0|[1-9]\d{0,15}))+)\}$/;
const longestSuffix = 96;
const nowhere: Place = { revision: 0, prev: 0, version: 0 };

/** The place at the end of a line, and how many bytes that takes; `undefined`: it is said in another way. */
function placeIn(bytes: Buffer): (Place & { readonly length: number }) | undefined {
  const end = bytes.toString("latin1", Math.max(0, bytes.length - longestSuffix));
  const members = placeSuffix.exec(end)?.[1];
  if (members === undefined) return { ...nowhere, length: 1 };
  const place = { ...nowhere };
  const said = members.slice(1).split(",");
  for (const member of said) {
    const [name = "", value] = member.split(":");
    place[name.slice(1, -1) as keyof Place] = Number(value);
  }
  // What is said twice, or by a number that is none, is not known.
  if (new Set(said.map((member) => member.split(":")[0])).size < said.length) return undefined;
  if (!Object.values(place).every(Number.isSafeInteger)) return undefined;
  return { ...place, length: members.length + 1 };
}

/** What good records among the lines hold; of every other line, nothing: it is looked at where its words are found. */
async function grind(
  lines: readonly Line[],
  mill: RecordMill,
): Promise<readonly (MilledEntry | undefined)[]> {
  const sent: { readonly index: number; readonly place: Place }[] = [];
  const events = lines.flatMap(({ bytes, tooLong }, index) => {
    if (tooLong || bytes[bytes.length - 1] !== brace || !isUtf8(bytes)) return [];
    if (devicePrefix.compare(bytes, 0, devicePrefix.length) !== 0) return [];
    const at = placeIn(bytes);
    if (at === undefined) return [];
    const { length, ...place } = at;
    sent.push({ index, place });
    const record = bytes.toString("utf8", devicePrefix.length, bytes.length - length);
    return [{ type: "upsert", kind: "device", record, revision: 0 } as const];
  });
  const entries: (MilledEntry | undefined)[] = lines.map(() => undefined);
  for (const [number, entry] of (await mill.grind(events)).entries()) {
    const { index, place } = sent[number] as (typeof sent)[number];
    if (entry.invalid === undefined) entries[index] = { ...place, entry };
  }
  return entries;
}
