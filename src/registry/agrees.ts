/** Whether what is held of some buckets is what their source says it has (SYN-11, SYN-12). */
import { channel } from "node:diagnostics_channel";
import { type BucketDigest, digestOf } from "./bucket-digest.ts";
import type { Feed } from "./feed.ts";
import type { BucketHeld } from "./read-bucket.ts";
import type { SyncReply } from "./sync.ts";

const diverged = channel("sallyport:registry:divergence");

function fits({ checksum, count }: BucketDigest, entries: BucketHeld["entries"]): boolean {
  if (entries.length !== count) return false;
  return digestOf(entries).checksum === checksum;
}

/** Asks for every bucket that differs again. */
export async function agrees(
  digests: readonly BucketDigest[],
  feed: Feed,
  reply: (reply: SyncReply) => void,
): Promise<boolean> {
  let all = true;
  const held = await feed.buckets(digests);
  for (const [i, said] of digests.entries()) {
    const { bucket, tenant } = said;
    const { entries, isolated } = held[i] ?? { entries: [], isolated: [] };
    if (fits(said, entries)) continue;
    // A record that was malformed is here all the same: it isolates its device, not its source.
    if (isolated.length > 0 && fits(said, [...entries, ...isolated])) continue;
    all = false;
    feed.counters.divergences++;
    reply({ type: "refetch", tenant, bucket });
    if (diverged.hasSubscribers) diverged.publish({ source: feed.name, tenant, bucket });
  }
  feed.diverges(!all);
  return all;
}
