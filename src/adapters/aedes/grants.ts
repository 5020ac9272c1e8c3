/** What a session was granted to receive: answers deliveries at once, without asking anybody. */
import { matches } from "../../decision/topics.ts";

/** One granted filter. */
export interface ReceiveGrant {
  /** As subscribed to, `$share` prefix included. */
  readonly filter: string;
  /** The QoS that was asked for, and the one that was granted. */
  readonly asked: 0 | 1 | 2;
  readonly qos: 0 | 1 | 2;
  /** Unix seconds at which it must be asked for again. */
  readonly until: number | undefined;
}

/** The granted filters of one session. */
export class ReceiveGrants {
  readonly #byFilter = new Map<string, ReceiveGrant>();

  get all(): readonly ReceiveGrant[] {
    return [...this.#byFilter.values()];
  }

  get size(): number {
    return this.#byFilter.size;
  }

  get(filter: string): ReceiveGrant | undefined {
    return this.#byFilter.get(filter);
  }

  /** Grants, or grants anew. */
  add(grant: ReceiveGrant): void {
    this.#byFilter.set(grant.filter, grant);
  }

  /** Takes a grant back; whether there was one. */
  remove(filter: string): boolean {
    return this.#byFilter.delete(filter);
  }

  clear(): void {
    this.#byFilter.clear();
  }

  /** The highest QoS at which `topic` may be delivered now; `undefined`: it may not. */
  qosFor(topic: string, now: number): 0 | 1 | 2 | undefined {
    let best: 0 | 1 | 2 | undefined;
    for (const { filter, qos, until } of this.#byFilter.values()) {
      if (until !== undefined && now >= until) continue;
      if ((best === undefined || qos > best) && matches(filter, topic)) best = qos;
    }
    return best;
  }
}
