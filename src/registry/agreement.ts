/** Whether what is held of some buckets is what their source says it has (SYN-11, SYN-12). */
import { channel } from "node:diagnostics_channel";
import { type BucketDigest, digestInSteps } from "./bucket-digest.ts";
import type { Feed } from "./feed.ts";
import type { BucketHeld } from "./read-bucket.ts";
import type { SyncReply } from "./sync.ts";

const diverged = channel("sallyport:registry:divergence");

type Entries = BucketHeld["entries"];

async function fits({ checksum, count }: BucketDigest, entries: Entries): Promise<boolean> {
  if (entries.length !== count) return false;
  return (await digestInSteps(entries)).checksum === checksum;
}

/** What a feed has taken so far: while it is the same, so is what is held of its source. */
function takenBy({ counters: { applied, rejected, snapshots } }: Feed): string {
  return `${applied} ${rejected} ${snapshots}`;
}

/** Compares what one source says over one connection; what has agreed is not read again until something changes. */
export class Agreement {
  readonly #agreed = new Map<string, string>();
  #taken = "";

  /** Asks for every bucket that differs again. */
  async with(
    digests: readonly BucketDigest[],
    feed: Feed,
    reply: (reply: SyncReply) => void,
  ): Promise<boolean> {
    if (this.#taken !== takenBy(feed)) this.#agreed.clear();
    const taken = takenBy(feed);
    this.#taken = taken;
    const open = digests.filter((said) => this.#agreed.get(nameOf(said)) !== wordsOf(said));
    let all = true;
    const held = open.length === 0 ? [] : await feed.buckets(open);
    for (const [i, said] of open.entries()) {
      const { bucket, tenant } = said;
      const { entries, isolated } = held[i] ?? { entries: [], isolated: [] };
      // A record that was malformed is here all the same: it isolates its device, not its source.
      if (
        (await fits(said, entries)) ||
        (isolated.length > 0 && (await fits(said, [...entries, ...isolated])))
      ) {
        this.#agreed.set(nameOf(said), wordsOf(said));
        continue;
      }
      all = false;
      this.#agreed.delete(nameOf(said));
      feed.counters.divergences++;
      reply({ type: "refetch", tenant, bucket });
      if (diverged.hasSubscribers) diverged.publish({ source: feed.name, tenant, bucket });
    }
    feed.diverges(!all);
    return all;
  }
}

const nameOf = ({ bucket, tenant }: BucketDigest): string => `${bucket} ${tenant}`;
const wordsOf = ({ checksum, count }: BucketDigest): string => `${count} ${checksum}`;
