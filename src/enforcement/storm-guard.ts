/**
 * Token buckets against clients that come back at once, for ever. Nobody can use up another's: a bucket belongs to
 * what was presented, not to the name that was claimed.
 */
import { createHmac, randomBytes } from "node:crypto";
import type { Evidence } from "../decision/identity.ts";
import { type Rate, TokenBucket } from "../runtime/token-bucket.ts";
import { Recent } from "./recent.ts";

/** Rates of one {@link StormGuard}. */
export interface StormRates {
  /** Connects with the same evidence. */
  readonly perEvidence: Rate;
  /**
   * Connects from one address under one name with evidence that was not accepted lately. Where a dialect tells no address
   * there is no such limit: a stranger could use it up for the device itself.
   */
  readonly perName: Rate;
  /** Buckets and accepted pieces of evidence that are remembered, each. */
  readonly remembered: number;
}

/** Rates used where the configuration says nothing: a client that backs off never notices. */
export const defaultStormRates: StormRates = {
  perEvidence: { perSecond: 0.2, burst: 10 },
  perName: { perSecond: 1, burst: 10 },
  remembered: 200_000,
};

/** An attempt to connect. */
export interface Attempt {
  readonly evidence: Evidence | null;
  /** What the client calls itself. */
  readonly name: string;
  /** Where it comes from; empty where the dialect does not tell. */
  readonly address: string;
}

export class StormGuard {
  readonly #key = randomBytes(32);
  readonly #rates: StormRates;
  readonly #monotonicMs: () => number;
  readonly #buckets: Recent<TokenBucket>;
  readonly #accepted: Recent<true>;
  /** Attempts that were turned away. */
  turnedAway = 0;

  constructor(monotonicMs: () => number, rates: StormRates = defaultStormRates) {
    this.#rates = rates;
    this.#monotonicMs = monotonicMs;
    this.#buckets = new Recent(rates.remembered);
    this.#accepted = new Recent(rates.remembered);
  }

  /** Whether the attempt may be judged now; takes tokens if so. */
  admits(attempt: Attempt): boolean {
    const presented = this.#hash(attempt.evidence);
    const admitted =
      this.#take(`evidence ${presented}`, this.#rates.perEvidence) &&
      // INVARIANT: whoever was accepted with this very evidence is not held up by others who guess.
      // Where no address is told, all who claim a name would share one bucket, the one whose it is among them.
      (this.#accepted.get(presented) !== undefined ||
        attempt.address === "" ||
        this.#take(`name ${attempt.address.length}:${attempt.address}${attempt.name}`, this.#rates.perName));
    if (!admitted) this.turnedAway += 1;
    return admitted;
  }

  /** The evidence was accepted: from now on it stands for itself. */
  accepted(attempt: Attempt): void {
    this.#accepted.set(this.#hash(attempt.evidence), true);
  }

  #take(key: string, rate: Rate): boolean {
    const nowMs = this.#monotonicMs();
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) this.#buckets.set(key, (bucket = new TokenBucket(rate, nowMs)));
    return bucket.take(nowMs, 0) !== undefined;
  }

  /** A keyed hash: what was presented is never kept. Parts are framed by their length. */
  #hash(evidence: Evidence | null): string {
    const hmac = createHmac("sha256", this.#key);
    const add = (part: string | Uint8Array): void => {
      hmac.update(`${part.length}:`).update(part);
    };
    if (evidence === null) return "nothing";
    add(evidence.type);
    if (evidence.type === "x509") for (const each of evidence.chain) add(each);
    else if (evidence.type === "jwt") add(evidence.token);
    else if (evidence.type === "secret") {
      add(evidence.name);
      add(evidence.secret);
    } else add(JSON.stringify(evidence.credential));
    return hmac.digest("base64url");
  }
}
