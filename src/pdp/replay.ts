/** Replay of messages: checked per message, outside the cached decision. */
import type { LRUCache } from "lru-cache";
import type { Reason } from "../decision/reasons.ts";
import { lruOf } from "../runtime/lru.ts";

/** Denials that a replayed message outranks: their gates come after the message's own. */
const laterGates: ReadonlySet<Reason> = new Set<Reason>([
  "facts_stale",
  "tenant_quota_exceeded",
  "admission_shed",
]);

/** Remembers the highest sequence number accepted per device, bounded to the most recent devices. */
export class ReplayGuard {
  readonly #devices: number;
  // Made when the first message carries a sequence number: most fleets send none.
  #highest: LRUCache<string, number> | undefined;

  constructor(devices: number) {
    this.#devices = devices;
  }

  /** Whether `seq` is not above what the registry or this process has seen of the device. */
  isReplay(deviceId: string, seq: number, registryLastSeq: number): boolean {
    return seq <= registryLastSeq || seq <= (this.#highest?.get(deviceId) ?? -1);
  }

  /** `seq` was accepted. */
  accept(deviceId: string, seq: number): void {
    this.#highest ??= lruOf(this.#devices);
    if (seq > (this.#highest.get(deviceId) ?? -1)) this.#highest.set(deviceId, seq);
  }
}

/** Whether a replay is the reason to give instead of `reason`. */
export function replayOutranks(allow: boolean, reason: Reason): boolean {
  return allow || laterGates.has(reason);
}
