/** Whether a record says what is in force; of devices that are packed, by their bytes. */
import type { StoredValue } from "./record-store.ts";
import { sameJson } from "./same-json.ts";
import type { AnyRecord } from "./stored-record.ts";
import { PackedDevice, PackedValue } from "./stored-row.ts";

/** Whether a device is packed to the same bytes. */
export function sameBytes(inForce: unknown, entry: unknown): boolean {
  return (
    inForce instanceof PackedValue &&
    entry instanceof PackedDevice &&
    inForce.device.packed.equals(entry.packed)
  );
}

/** Credentials that a device may have. */
const mostKeys = 64;

function sumOf(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at++) sum += bytes[at] as number;
  return sum;
}

/** Both hold a record. */
export function sameRecord(
  inForce: StoredValue,
  entry: { readonly record?: AnyRecord | undefined },
): boolean {
  if (sameBytes(inForce, entry)) return true;
  if (inForce instanceof PackedValue && entry instanceof PackedDevice) {
    // In another order maps are the same: then the same bytes are there, but for the number of the key that is attested.
    const [before, after] = [inForce.device.packed, entry.packed];
    if (before.length !== after.length || Math.abs(sumOf(before) - sumOf(after)) > mostKeys) return false;
  }
  return sameJson(inForce.record, entry.record);
}
