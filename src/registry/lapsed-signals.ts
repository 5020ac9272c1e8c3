/**
 * FACTS.md, rule 9: what was answered with quarantine never ends by time alone. A detection of the registry that lapses
 * leaves the need for newer evidence behind.
 */
import type { DeviceRecord, TenantRecord } from "../decision/facts.ts";
import type { Clock } from "../runtime/clock.ts";
import type { RecordReader, StoredRecord } from "./stored-record.ts";

type Playbook = TenantRecord["playbook"] | undefined;

/** When the last detection of a device ended by time that its tenant answers with quarantine; 0: none did. */
export function lapsedSince({ state }: DeviceRecord, playbook: Playbook, now: number): number {
  let since = 0;
  for (const { expires_at, type } of state.signals)
    if (
      expires_at <= now &&
      playbook !== undefined &&
      Object.hasOwn(playbook, type) &&
      playbook[type] === "quarantine"
    )
      since = Math.max(since, expires_at);
  return since;
}

/** A reader of `records` whose devices are in re-entry once such a detection has lapsed. */
export function withLapsedSignals(records: RecordReader, clock: Clock): RecordReader {
  return {
    device(id): StoredRecord<DeviceRecord> | undefined {
      const stored = records.device(id);
      if (stored?.record === undefined) return stored;
      const device = stored.record;
      if (device.state.signals.length === 0) return stored;
      const since = lapsedSince(device, records.tenant(device.tenant)?.record?.playbook, clock.now());
      if (since <= device.state.reentry_required_since) return stored;
      return { ...stored, record: { ...device, state: { ...device.state, reentry_required_since: since } } };
    },
    tenant: (id) => records.tenant(id),
    firmwarePolicy: (tenant, deviceClass) => records.firmwarePolicy(tenant, deviceClass),
    release: (id) => records.release(id),
    rollout: (id) => records.rollout(id),
    service: (id) => records.service(id),
    get revision() {
      return records.revision;
    },
    freshness: () => records.freshness(),
  };
}
