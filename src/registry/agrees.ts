/** Whether what is held of some buckets is what their source says it has (SYN-11, SYN-12). */
import { channel } from "node:diagnostics_channel";
import { type BucketDigest, digestOf } from "./bucket-digest.ts";
import type { Feed } from "./feed.ts";
import type { SyncReply } from "./sync.ts";

const diverged = channel("sallyport:registry:divergence");

/** Asks for every bucket that differs again. */
export async function agrees(
  digests: readonly BucketDigest[],
  feed: Feed,
  reply: (reply: SyncReply) => void,
): Promise<boolean> {
  let all = true;
  for (const { bucket, checksum, count, tenant } of digests) {
    const here = digestOf(await feed.bucket(tenant, bucket));
    if (here.count === count && here.checksum === checksum) continue;
    all = false;
    feed.counters.divergences++;
    reply({ type: "refetch", tenant, bucket });
    if (diverged.hasSubscribers) diverged.publish({ source: feed.name, tenant, bucket });
  }
  feed.diverges(!all);
  return all;
}
