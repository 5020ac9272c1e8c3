/** What a store holds of one bucket, read in slices so that others may run. */
import { setImmediate as breathe } from "node:timers/promises";
import type { RecordKey } from "../decision/facts.ts";
import { bucketOf } from "./bucket-digest.ts";
import type { RecordStore } from "./record-store.ts";

const slice = 512;

/** Keys and versions of the devices of `tenant` that `source` owns. */
export async function readBucket(
  store: RecordStore,
  source: string,
  tenant: string,
  bucket: number,
): Promise<readonly (readonly [RecordKey, number])[]> {
  const found: (readonly [RecordKey, number])[] = [];
  for (let after: string | undefined; ; ) {
    const ids = store.deviceIdsBy(`tenant:${tenant}`, after, slice);
    for (const id of ids) {
      const key: RecordKey = `device:${id}`;
      if (bucketOf(key) !== bucket) continue;
      const value = store.get(key);
      if (value?.source === source) found.push([key, value.version ?? 0]);
    }
    after = ids.at(-1);
    if (ids.length < slice || after === undefined) return found;
    await breathe();
  }
}
