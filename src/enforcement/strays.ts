/**
 * Clients that a broker asks about and that nobody here let in: they logged in before this service was started. They are
 * denied; where the broker can be told to, they are thrown out as well, so that they log in again. Not all at once.
 */
import { type Rate, TokenBucket } from "../runtime/token-bucket.ts";
import { Recent } from "./recent.ts";

const rate: Rate = { perSecond: 100, burst: 100 };
/** A client is thrown out once in this time. */
const onceMs = 30_000;

export class Strays {
  readonly #monotonicMs: () => number;
  readonly #bucket: TokenBucket;
  readonly #lately = new Recent<number>(100_000);

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
    this.#bucket = new TokenBucket(rate, monotonicMs());
  }

  /** Whether to throw it out now. */
  due(clientId: string): boolean {
    const nowMs = this.#monotonicMs();
    const last = this.#lately.get(clientId);
    if (last !== undefined && nowMs - last < onceMs) return false;
    if (this.#bucket.take(nowMs, 0) === undefined) return false;
    this.thrownOut(clientId);
    return true;
  }

  /** It is thrown out now, whoever says so. */
  thrownOut(clientId: string): void {
    this.#lately.set(clientId, this.#monotonicMs());
  }
}
