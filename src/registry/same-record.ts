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

/** Both hold a record. */
export function sameRecord(
  inForce: StoredValue,
  entry: { readonly record?: AnyRecord | undefined },
): boolean {
  if (sameBytes(inForce, entry)) return true;
  // In another order, maps are the same, and as long.
  if (inForce instanceof PackedValue && entry instanceof PackedDevice)
    if (inForce.device.packed.length !== entry.packed.length) return false;
  return sameJson(inForce.record, entry.record);
}
