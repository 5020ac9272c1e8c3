/** How often one proven credential, or a peer with nothing proven, may ask: a storm of one costs the others nothing. */
import type { LRUCache } from "lru-cache";
import type { Query } from "../decision/query.ts";
import { matches } from "../decision/topics.ts";
import { lruOf } from "../runtime/lru.ts";
import { type Rate, TokenBucket } from "../runtime/token-bucket.ts";
import type { Session } from "./session.ts";

/** Rates and what is kept of each bucket. */
export interface RateLimitOptions {
  /** Of one proven credential; `undefined`: no limit. */
  readonly perCredential: Rate | undefined;
  /** Of one peer's questions where nothing is proven; `undefined`: no limit. They are denials in any case. */
  readonly perPeer: Rate | undefined;
  /** Buckets remembered; the one not used for longest is forgotten, which gives its owner a full one. */
  readonly maxBuckets: number;
  /** Share of a credential's burst that only messages on reserved topics may use, 0 to 1. */
  readonly reservedShare: number;
  readonly reservedTopics: readonly string[];
  readonly monotonicMs: () => number;
}

/** Token buckets by proven credential, and by peer where nothing is proven: nobody can use up another's. */
export class RateLimits {
  readonly #options: RateLimitOptions;
  readonly #buckets: LRUCache<string, TokenBucket>;

  constructor(options: RateLimitOptions) {
    this.#options = options;
    this.#buckets = lruOf(options.maxBuckets);
  }

  /** Whether a proven session may ask this now; takes a token if so. */
  admits(session: Session, query: Query): boolean {
    const { perCredential, reservedShare } = this.#options;
    if (perCredential === undefined) return true;
    const { identity, gateway } = session;
    const proven = identity ?? (gateway?.identity === "asserted" ? undefined : gateway?.identity);
    const key = `credential|${session.peer.name}|${proven?.key ?? session.key}`;
    const keep = this.#isReserved(query) ? 0 : Math.floor(perCredential.burst * reservedShare);
    return this.#take(key, perCredential, keep);
  }

  /** Whether a peer may be told once more that somebody proved nothing; takes a token if so. */
  admitsUnproven(peer: string): boolean {
    const { perPeer } = this.#options;
    return perPeer === undefined || this.#take(`peer|${peer}`, perPeer, 0);
  }

  #isReserved(query: Query): boolean {
    const topic =
      query.kind === "publish" ? query.topic : query.kind === "subscribe" ? query.filter : undefined;
    return topic !== undefined && this.#options.reservedTopics.some((filter) => matches(filter, topic));
  }

  #take(key: string, rate: Rate, keep: number): boolean {
    const nowMs = this.#options.monotonicMs();
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) this.#buckets.set(key, (bucket = new TokenBucket(rate, nowMs)));
    return bucket.take(nowMs, 0, keep) !== undefined;
  }
}
