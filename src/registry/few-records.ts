/** Questions about the kinds of record that are few, which are held in memory. */
import type { RecordKey, ServiceRecord } from "../decision/facts.ts";
import type { StoredValue } from "./record-store.ts";

/** What follows `prefix` in the keys that begin with it. */
export function below(few: ReadonlyMap<RecordKey, StoredValue>, prefix: string): readonly string[] {
  return [...few.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
}

/** Ids of the back-ends that hold a credential. */
export function servicesHolding(
  few: ReadonlyMap<RecordKey, StoredValue>,
  fingerprint: string,
): readonly string[] {
  return below(few, "service:").filter((id) => {
    const service = few.get(`service:${id}`)?.record as ServiceRecord | undefined;
    return service !== undefined && Object.hasOwn(service.credentials, fingerprint);
  });
}
