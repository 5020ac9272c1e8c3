/** The devices behind reports that have changed. */
import type { RecordKey } from "../decision/facts.ts";

/** The keys, and those of the devices that reports among them speak of; the same array where there is none. */
export function withSubjects(keys: readonly RecordKey[]): readonly RecordKey[] {
  const devices: RecordKey[] = [];
  for (const key of keys)
    if (key.startsWith("report:")) devices.push(`device:${key.slice(key.indexOf("/") + 1)}`);
  return devices.length === 0 ? keys : [...new Set([...keys, ...devices])];
}
