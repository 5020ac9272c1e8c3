/** The client's side of a lease: how long it may trust what it remembers without hearing from its node. */

/** Both clocks of a client at one moment, in milliseconds. */
export interface Reading {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

/** Renewals that may wait for their answer at once; older ones are given up. */
const maxPending = 8;

/**
 * A lease that runs from the moment its renewal was *sent*, by whichever clock shows more elapsed: the monotonic one
 * stands still while a machine sleeps, the wall clock can be set back.
 */
export class ClientLease {
  readonly #pending = new Map<number, Reading>();
  #nonce = 0;
  #from: Reading | undefined;
  #durationMs = 0;

  /** A renewal leaves now; returns its nonce. */
  renew(now: Reading): number {
    this.#nonce += 1;
    this.#pending.set(this.#nonce, now);
    if (this.#pending.size > maxPending) {
      const oldest = this.#pending.keys().next().value;
      if (oldest !== undefined) this.#pending.delete(oldest);
    }
    return this.#nonce;
  }

  /** The node answered a renewal. An answer to none that is pending counts for nothing. */
  granted(nonce: number, durationMs: number): void {
    const sent = this.#pending.get(nonce);
    if (sent === undefined) return;
    for (const each of this.#pending.keys()) if (each <= nonce) this.#pending.delete(each);
    this.#from = sent;
    this.#durationMs = durationMs;
  }

  /** Whether what is remembered may be used now. */
  isAlive(monotonicMs: number, wallMs: number): boolean {
    const from = this.#from;
    return (
      from !== undefined &&
      monotonicMs - from.monotonicMs < this.#durationMs &&
      wallMs - from.wallMs < this.#durationMs
    );
  }

  /** Nothing counts any more until another renewal is answered. */
  end(): void {
    this.#from = undefined;
    this.#pending.clear();
  }
}
