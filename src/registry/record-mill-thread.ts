/** The thread of {@link RecordMill}: parses, validates and packs devices. */
import { setPriority } from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import type { DeviceRecord } from "../decision/facts.ts";
import { createEarReader } from "./ear.ts";
import { packDevice } from "./packed-device.ts";
import { parseUpsert } from "./parse-upsert.ts";
import type { Flour, Grist, MillRules } from "./record-mill.ts";
import { createRecordValidator } from "./record-validator.ts";

/** How far it stands back behind those who answer, as nice(1) counts. */
const niceness = 5;
// Of this thread alone: on Linux the calling one is meant.
if (process.platform === "linux") setPriority(niceness);
const { signedOnly, verifiers } = workerData as MillRules;
const validate = createRecordValidator({ ear: createEarReader(verifiers), signedOnly });

function grind({ id, keys: wanted, texts }: Grist): Flour {
  let packed = Buffer.allocUnsafeSlow(texts.length * 384);
  let at = 0;
  const ends = new Uint32Array(texts.length);
  const refused: Flour["refused"][number][] = [];
  const remarks: Flour["remarks"][number][] = [];
  const keys = texts.map((record, index) => {
    const key = wanted[index];
    const named = key === undefined ? {} : { key };
    const entry = parseUpsert({ type: "upsert", kind: "device", record, revision: 0, ...named }, validate);
    if (entry.record === undefined) {
      refused.push([index, { key: entry.key, invalid: entry.invalid }]);
      ends[index] = at;
      return undefined;
    }
    if (entry.remark !== undefined) remarks.push([index, entry.remark]);
    const bytes = packDevice(entry.record as DeviceRecord);
    if (at + bytes.length > packed.length) {
      const larger = Buffer.allocUnsafeSlow((at + bytes.length) * 2);
      packed.copy(larger, 0, 0, at);
      packed = larger;
    }
    packed.set(bytes, at);
    at += bytes.length;
    ends[index] = at;
    return entry.key;
  });
  return { id, packed: packed.subarray(0, at), ends, keys, refused, remarks };
}

parentPort?.on("message", (grist: Grist) => {
  const flour = grind(grist);
  parentPort?.postMessage(flour, [flour.packed.buffer as ArrayBuffer, flour.ends.buffer as ArrayBuffer]);
});
parentPort?.postMessage("ready");
