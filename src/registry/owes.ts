/** Whether the source of a device does not say what is recorded here, as far as its record in force tells. */
import type { DeviceRecord } from "../decision/facts.ts";
import { dutyOf } from "./duty.ts";
import type { RecordReader, StoredRecord } from "./stored-record.ts";
import type { Marks } from "./with-duties.ts";

/** The record of a device where this source owns it. */
export type OwnRecord = (device: string) => StoredRecord<DeviceRecord> | undefined;

/** Of all records, those of one source. */
export function ownedBy(records: Pick<RecordReader, "device">, source: string): OwnRecord {
  return (device) => {
    const stored = records.device(device);
    return stored?.source === source ? stored : undefined;
  };
}

/** A record that is isolated says nothing: whoever can read it at its source looks there. */
export function owes(own: OwnRecord, marks: Marks): (device: string) => boolean {
  return (device) => {
    const stored = own(device);
    if (stored === undefined) return false;
    return stored.record === undefined || dutyOf(device, stored.record, marks) !== undefined;
  };
}
