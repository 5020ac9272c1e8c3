/** A reader whose devices are others than those that are stored; everything else passes through. */
import type { DeviceRecord } from "../decision/facts.ts";
import type { RecordReader } from "./stored-record.ts";

/** Reads `records`, but devices by `device`. */
export function withDeviceReads(records: RecordReader, device: RecordReader["device"]): RecordReader {
  return {
    device,
    tenant: (id) => records.tenant(id),
    firmwarePolicy: (tenant, deviceClass) => records.firmwarePolicy(tenant, deviceClass),
    release: (id) => records.release(id),
    rollout: (id) => records.rollout(id),
    service: (id) => records.service(id),
    get revision() {
      return records.revision;
    },
    freshness: (sources) => records.freshness(sources),
    mayOwn: (missing) => records.mayOwn(missing),
    sourceAgeS: (source) => records.sourceAgeS(source),
  };
}

/** Reads `records` with each valid device as `change` makes it; the same object back means: as it is stored. */
export function withDevices(
  records: RecordReader,
  change: (device: DeviceRecord) => DeviceRecord,
): RecordReader {
  return withDeviceReads(records, (id) => {
    const stored = records.device(id);
    if (stored?.record === undefined) return stored;
    const record = change(stored.record);
    return record === stored.record ? stored : { ...stored, record };
  });
}
