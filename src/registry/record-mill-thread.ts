/** The thread of {@link RecordMill}: parses, validates and packs devices. */
import { setPriority } from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import type { DeviceRecord, RecordKey } from "../decision/facts.ts";
import { ByteWriter } from "./byte-writer.ts";
import { createEarReader } from "./ear.ts";
import { packDevice } from "./packed-device.ts";
import { parseUpsert } from "./parse-upsert.ts";
import type { Flour, Grist, MillRules } from "./record-mill.ts";
import { createRecordValidator, type Validated } from "./record-validator.ts";
import { packedId, packText } from "./tape-device.ts";

/** How far it stands back behind those who answer, as nice(1) counts. */
const niceness = 5;
// Of this thread alone: on Linux the calling one is meant.
if (process.platform === "linux") setPriority(niceness);
const { signedOnly, verifiers } = workerData as MillRules;
const validate = createRecordValidator({ ear: createEarReader(verifiers), signedOnly });

const writer = new ByteWriter();

function grind({ bytes, ends: textEnds, id, keys: wanted, places }: Grist): Flour {
  const texts = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const ends = new Uint32Array(places.length);
  const refused: Flour["refused"][number][] = [];
  const remarks: Flour["remarks"][number][] = [];
  writer.clear();
  const keys = Array.from(places, (place, index) => {
    const from = place === 0 ? 0 : (textEnds[place - 1] as number) + 1;
    const end = textEnds[place] as number;
    const entry = read(texts, from, end, wanted[index]);
    if (typeof entry === "object" && entry.invalid !== undefined)
      refused.push([index, { key: entry.key, invalid: entry.invalid }]);
    ends[index] = writer.length;
    if (typeof entry === "string") return entry;
    if (entry.remark !== undefined) remarks.push([index, entry.remark]);
    return entry.invalid === undefined ? entry.key : undefined;
  });
  return { id, packed: Uint8Array.from(writer.view), ends, keys, refused, remarks };
}

/** Packs one device; where that is all, its key. */
function read(
  texts: Buffer,
  from: number,
  end: number,
  key: string | undefined,
): RecordKey | (Validated & { remark?: string }) {
  const before = writer.length;
  if (packText(writer, texts, from, end, signedOnly)) {
    const found: RecordKey = `device:${packedId()}`;
    if (key === undefined || key === found) return found;
    writer.backTo(before);
  }
  const record = texts.toString("utf8", from, end);
  const named = key === undefined ? {} : { key };
  const entry = parseUpsert({ type: "upsert", kind: "device", record, revision: 0, ...named }, validate);
  if (entry.record !== undefined) writer.bytes(packDevice(entry.record as DeviceRecord));
  return entry;
}

parentPort?.on("message", (grist: Grist) => {
  const flour = grind(grist);
  parentPort?.postMessage(flour, [flour.packed.buffer as ArrayBuffer, flour.ends.buffer as ArrayBuffer]);
});
parentPort?.postMessage("ready");
