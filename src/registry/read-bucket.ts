/** What a store holds of some buckets, read in slices so that others may run. */
import type { RecordKey } from "../decision/facts.ts";
import type { Origin } from "../decision/report.ts";
import { giveWay } from "../runtime/give-way.ts";
import { bucketOf } from "./bucket-digest.ts";
import type { RecordStore } from "./record-store.ts";
import { tenantIn } from "./stored-record.ts";

const slice = 128;

/** Names a bucket. */
export interface BucketName {
  readonly tenant: string;
  readonly bucket: number;
}

type Entry = readonly [RecordKey, number];

/** Keys and versions of one source's records in a bucket. */
export interface BucketHeld {
  readonly entries: readonly Entry[];
  /** Isolated records of the same bucket: nobody can say of which tenant they are. */
  readonly isolated: readonly Entry[];
}

/** Kinds that are many. */
type BucketKind = "device" | "report";

/** Calls `take` with each key of a kind. */
async function eachKey(store: RecordStore, kind: BucketKind, take: (key: RecordKey) => void): Promise<void> {
  for (let after: string | undefined; ; ) {
    const keys = store.keysAfter(kind, after, slice);
    for (const key of keys) take(key);
    after = keys.at(-1)?.slice(kind.length + 1);
    if (keys.length < slice) return;
    await giveWay();
  }
}

/** Calls `take` with the key of each device of a tenant. */
async function eachDevice(store: RecordStore, tenant: string, take: (key: RecordKey) => void): Promise<void> {
  for (let after: string | undefined; ; ) {
    const ids = store.deviceIdsBy(`tenant:${tenant}`, after, slice);
    for (const id of ids) take(`device:${id}`);
    after = ids.at(-1);
    if (ids.length < slice) return;
    await giveWay();
  }
}

/** Whose records are read. */
interface Owner {
  readonly store: RecordStore;
  readonly name: string;
  readonly origin: Origin;
}

/** What a source has of each of `names`. Reports have no index by tenant: one pass over them serves all buckets. */
export async function readBuckets(
  { name: source, origin, store }: Owner,
  names: readonly BucketName[],
): Promise<readonly BucketHeld[]> {
  const kind = origin === "operator" ? "device" : "report";
  const numbers = new Set(names.map(({ bucket }) => bucket));
  const held = new Map<string, Entry[]>();
  const isolated = new Map<number, Entry[]>();
  const take = (key: RecordKey): void => {
    const bucket = bucketOf(key);
    const value = numbers.has(bucket) ? store.get(key) : undefined;
    if (value?.source !== source) return;
    const entry: Entry = [key, value.version ?? 0];
    if (value.record === undefined) entriesOf(isolated, bucket).push(entry);
    else entriesOf(held, `${bucket} ${tenantIn(value.record)}`).push(entry);
  };
  if (kind === "report") await eachKey(store, kind, take);
  else {
    for (const tenant of new Set(names.map((name) => name.tenant))) await eachDevice(store, tenant, take);
    if ((store.state.sources[source]?.counts["device"]?.["invalid"] ?? 0) > 0)
      await eachKey(store, kind, (key) => {
        if (store.get(key)?.record === undefined) take(key);
      });
  }
  return names.map(({ bucket, tenant }) => ({
    entries: held.get(`${bucket} ${tenant}`) ?? [],
    isolated: isolated.get(bucket) ?? [],
  }));
}

function entriesOf<K>(of: Map<K, Entry[]>, key: K): Entry[] {
  let entries = of.get(key);
  if (entries === undefined) of.set(key, (entries = []));
  return entries;
}
