/**
 * FACTS.md, rule 9: what was answered with quarantine never ends by time alone. A detection of the registry that lapses
 * leaves the need for newer evidence behind.
 */
import type { DeviceRecord, TenantRecord } from "../decision/facts.ts";
import type { Clock } from "../runtime/clock.ts";
import type { RecordReader } from "./stored-record.ts";
import { withDevices } from "./with-devices.ts";

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
  return withDevices(records, (device) => {
    const { state, tenant } = device;
    if (state.signals.length === 0) return device;
    const since = lapsedSince(device, records.tenant(tenant)?.record?.playbook, clock.now());
    if (since <= state.reentry_required_since) return device;
    return { ...device, state: { ...state, reentry_required_since: since } };
  });
}
