/** The node's side of one attached stream: which changes it was told, acknowledged, or must be fenced from. */

/** How leases are granted, in milliseconds. */
export interface LeaseTerms {
  readonly durationMs: number;
  /** How much longer the node waits than the client trusts: the drift of two clocks over one lease, rounded up. */
  readonly marginMs: number;
  /** Whether leases are granted now; absent: always. A node that is deaf to the others grants none. */
  readonly granting?: () => boolean;
}

/** Where a link stands with a change. */
export type Standing = "waiting" | "acknowledged" | "fenced";

interface Told {
  readonly position: number;
  /** When the leases that were granted before it was told have all run out. */
  readonly fencedAtMs: number;
}

/**
 * A lease granted *after* a change was told cannot keep an older answer alive: the stream is ordered, so a client
 * that reads such a grant has read the change. INVARIANT: only leases granted before a change delay its fence.
 */
export class LinkStanding {
  readonly #terms: LeaseTerms;
  readonly #told: Told[] = [];
  #leasedUntilMs = Number.NEGATIVE_INFINITY;
  #acknowledged = 0;
  /** Whether the last renewal was granted nothing. */
  #refused = false;
  #highestTold = 0;

  constructor(terms: LeaseTerms) {
    this.#terms = terms;
  }

  /** Highest position that was acknowledged. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Changes that were told and not acknowledged. */
  get waiting(): number {
    return this.#told.length;
  }

  /** When the last lease runs out unheard, on the node's monotonic clock. */
  get leasedUntilMs(): number {
    return this.#leasedUntilMs;
  }

  /** A renewal was read at `nowMs`; returns the duration to grant, 0: none. */
  renewed(nowMs: number): number {
    this.#refused = this.#terms.granting?.() === false;
    return this.#refused ? 0 : this.#trust(nowMs);
  }

  /**
   * An answer leaves at `nowMs`; returns for how long after its question was sent it may be acted on, once, without a
   * lease; 0: under a lease only. Where leases are refused nothing else would cover what is on its way.
   */
  answered(nowMs: number): number {
    return this.#refused ? this.#trust(nowMs) : 0;
  }

  /** A change is put into the stream. Positions grow. */
  tell(position: number): void {
    this.#highestTold = position;
    this.#told.push({ position, fencedAtMs: this.#leasedUntilMs });
  }

  /** The client acted on every change up to `position`. `false`: it was never told that one. */
  acknowledge(position: number): boolean {
    if (position > this.#highestTold) return false;
    this.#acknowledged = Math.max(this.#acknowledged, position);
    while (this.#told[0] !== undefined && this.#told[0].position <= position) this.#told.shift();
    return true;
  }

  /** When `position` is fenced at the latest; `undefined`: it was acknowledged or never told. */
  fencedAtMs(position: number): number | undefined {
    return this.#told.find((told) => told.position === position)?.fencedAtMs;
  }

  /** Where the link stands with a change that it was told. */
  standing(position: number, nowMs: number): Standing {
    if (position <= this.#acknowledged) return "acknowledged";
    const at = this.fencedAtMs(position);
    return at !== undefined && nowMs >= at ? "fenced" : "waiting";
  }

  /** The client may trust something for one duration from now: a change waits that long for it. */
  #trust(nowMs: number): number {
    const { durationMs, marginMs } = this.#terms;
    this.#leasedUntilMs = Math.max(this.#leasedUntilMs, nowMs + durationMs + marginMs);
    return durationMs;
  }
}
