/** One device from its text to its stored bytes, where that is plain: see `tape-device.ts`. */
import type { RecordKey } from "../decision/facts.ts";
import { ByteWriter } from "./byte-writer.ts";
import type { Upsert } from "./parse-upsert.ts";
import { PackedDevice } from "./stored-row.ts";
import { packedId, packText } from "./tape-device.ts";

const writer = new ByteWriter();
let scratch = Buffer.allocUnsafeSlow(4096);

/** `undefined`: it has to be parsed. `signedOnly`: whether attestation that nobody has signed counts as none. */
export function packUpsert({ key, record }: Upsert, signedOnly: boolean): PackedDevice | undefined {
  const most = record.length * 3 + 1;
  if (most > scratch.length) scratch = Buffer.allocUnsafeSlow(most * 2);
  const end = scratch.write(record, 0, "utf8");
  scratch[end] = 0x0a;
  writer.clear();
  if (!packText(writer, scratch, 0, end, signedOnly)) return undefined;
  const found: RecordKey = `device:${packedId()}`;
  // A record of another key is somebody else's to word.
  return key === undefined || key === found ? new PackedDevice(found, Buffer.from(writer.view)) : undefined;
}
