/**
 * What must be remembered of a device whose record goes: nothing that a source forgets gives trust back. A device that
 * is deleted while it is held, and added again, needs newer evidence (FACTS.md, rules 5 and 9).
 */
import type { DeviceRecord, TenantRecord } from "../decision/facts.ts";
import type { Clock } from "../runtime/clock.ts";
import { lapsedSince } from "./lapsed-signals.ts";
import { hasSignals } from "./packed-signals.ts";
import type { StoredValue } from "./record-store.ts";
import { sameBytes } from "./same-record.ts";
import { PackedValue } from "./stored-row.ts";

type Playbook = TenantRecord["playbook"] | undefined;

/** Lifecycle states in which a device is not trusted with everything, and comes back on evidence alone. */
const held: ReadonlySet<string> = new Set(["quarantined", "safe_mode", "recovery", "eol", "retired"]);

/** Since when a device that is deleted `now` must have given evidence before it is trusted again; 0: nothing is held against it. */
export function lostBy(device: DeviceRecord, playbook: Playbook, now: number): number {
  const { lifecycle, quarantine, reentry_required_since, signals } = device.state;
  const detected = signals.some(
    ({ expires_at, type }) =>
      expires_at > now &&
      playbook !== undefined &&
      Object.hasOwn(playbook, type) &&
      playbook[type] === "quarantine",
  );
  // What held it ends with its record: as of now.
  if (held.has(lifecycle) || quarantine.active || detected) return now;
  return Math.max(reentry_required_since, lapsedSince(device, playbook, now));
}

/** Parts of {@link LostTrust}. */
export interface LostTrustParts {
  readonly clock: Clock;
  readonly playbookOf: (tenant: string) => Playbook;
  /** Remembers the marks: on disk when it resolves. */
  readonly keep: ((marks: ReadonlyMap<string, number>) => Promise<void>) | undefined;
}

/** Collects the marks of one snapshot or batch. */
export class LostTrust {
  readonly #parts: LostTrustParts;
  readonly #marks = new Map<string, number>();

  constructor(parts: LostTrustParts) {
    this.#parts = parts;
  }

  /** A record is replaced: what a detection that has lapsed leaves behind outlives it. */
  replaced(held: StoredValue | undefined, entry: unknown): void {
    // What is said again stays, and what has no signals leaves nothing.
    if (sameBytes(held, entry) || (held instanceof PackedValue && !hasSignals(held.device.packed))) return;
    const device = held?.record;
    if (device === undefined || !("via" in device)) return;
    const { clock, playbookOf } = this.#parts;
    if (device.state.signals.length === 0) return;
    const since = lapsedSince(device, playbookOf(device.tenant), clock.now());
    if (since > device.state.reentry_required_since) this.#mark(device.id, since);
  }

  /** A record is deleted. */
  removed(device: DeviceRecord): void {
    const { clock, playbookOf } = this.#parts;
    const since = lostBy(device, playbookOf(device.tenant), clock.now());
    if (since > 0) this.#mark(device.id, since);
  }

  /** The marks are on disk when it resolves; call it before the records are in force. Rejects with `store_unavailable`. */
  async settle(): Promise<void> {
    if (this.#marks.size > 0) await this.#parts.keep?.(this.#marks);
  }

  #mark(id: string, since: number): void {
    this.#marks.set(id, Math.max(since, this.#marks.get(id) ?? 0));
  }
}
