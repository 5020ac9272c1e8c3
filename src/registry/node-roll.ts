/**
 * The nodes that share overrides: how far each has acted on what all share. A node says so when it has acted, and again
 * while nothing happens; one that cannot say it is no longer complete, so that the others know how long it may err.
 */
import type { Clock } from "../runtime/clock.ts";
import type { KeyValue } from "../runtime/ports.ts";
import { keyOf, type Shared, sharedText } from "./shared-override.ts";

/** What another node has done with an act. Times are unix seconds. */
export interface NodeStanding {
  readonly node: string;
  /** Whether all its processes decide by it. */
  readonly inForce: boolean;
  /** Until when clients of a silent one may still trust what they remember. */
  readonly mayLeaseUntil: number;
  /** Until when a silent one itself may still decide without it. */
  readonly mayDecideUntil: number;
}

/** Parts of {@link NodeRoll}. */
export interface NodeRollOptions {
  /** Name of this node. */
  readonly node: string;
  readonly clock: Clock;
  readonly nodeLeaseS: number;
  readonly hardS: number;
  /** Longest lease of an attached client, seconds. */
  readonly leaseS: number;
}

/** How far clocks of nodes may be apart, seconds. */
const skewS = 60;

/** Keeps the roll. */
export class NodeRoll {
  readonly #options: NodeRollOptions;
  readonly #others = new Map<string, { readonly revision: number; readonly heardAt: number }>();
  /** Revision of the bucket that is in force here, and the one that was said last. */
  #acted = 0;
  #said = -1;
  #saidMs = Number.NEGATIVE_INFINITY;

  constructor(options: NodeRollOptions) {
    this.#options = options;
  }

  /** Everything up to this revision is in force here. */
  acted(revision: number): void {
    this.#acted = Math.max(this.#acted, revision);
  }

  /** Whether there is something to say: more is in force, or the others would soon think that this node is silent. */
  get due(): boolean {
    const { clock, nodeLeaseS } = this.#options;
    return this.#acted > this.#said || clock.monotonicMs() - this.#saidMs >= (nodeLeaseS * 1000) / 3;
  }

  /** Whether the others have heard of this node within one node lease. */
  get isHeard(): boolean {
    const { clock, nodeLeaseS } = this.#options;
    return clock.monotonicMs() - this.#saidMs < nodeLeaseS * 1000;
  }

  /** Says how far this node has acted. Rejects where the bucket cannot be written. */
  async say(bucket: KeyValue): Promise<void> {
    const { clock, node } = this.#options;
    const [revision, saidMs] = [this.#acted, clock.monotonicMs()];
    const entry: Shared = { is: "node", node, revision, at: clock.now() };
    await bucket.put(keyOf(entry), sharedText(entry));
    this.#said = Math.max(this.#said, revision);
    this.#saidMs = saidMs;
  }

  /** Another node has said how far it is; what it says of its time counts no more than the clocks may differ. */
  heard({ at, node, revision }: Shared & { is: "node" }): void {
    if (node === this.#options.node) return;
    this.#others.set(node, { revision, heardAt: Math.min(this.#options.clock.now(), at + skewS) });
  }

  /** Where the others stand with what has this revision; those that can decide nothing any more are not named. */
  standing(revision: number): readonly NodeStanding[] {
    const { clock, hardS, leaseS, nodeLeaseS } = this.#options;
    const standings: NodeStanding[] = [];
    for (const [node, { heardAt, revision: acted }] of this.#others) {
      // It counts itself complete for one node lease after it was heard, and ages from then on.
      const silent = heardAt + nodeLeaseS;
      const mayDecideUntil = silent + hardS;
      if (mayDecideUntil <= clock.now()) continue;
      const inForce = acted >= revision;
      standings.push({ node, inForce, mayLeaseUntil: silent + nodeLeaseS + leaseS, mayDecideUntil });
    }
    return standings;
  }
}
