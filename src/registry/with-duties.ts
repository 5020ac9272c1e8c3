/** Records as the sources give them, joined with what the service itself remembers: the more restrictive wins. */
import type { CredentialRecord, DeviceRecord } from "../decision/facts.ts";
import type { DutyLedger } from "./duty-ledger.ts";
import type { RecordReader } from "./stored-record.ts";
import { withDevices } from "./with-devices.ts";

/** What of a ledger the join needs. */
export type Marks = Pick<DutyLedger, "isSpent" | "reentrySince">;

function spendClaims(record: DeviceRecord, marks: Marks): DeviceRecord {
  const spent = Object.entries(record.credentials).filter(
    ([fingerprint, { claim }]) => claim !== undefined && !claim.used && marks.isSpent(fingerprint),
  );
  if (spent.length === 0) return record;
  // Without a prototype, as they were read: nothing may be found that the record does not hold.
  const credentials: Record<string, CredentialRecord> = Object.assign(
    Object.create(null) as Record<string, CredentialRecord>,
    record.credentials,
  );
  for (const [fingerprint, each] of spent) {
    if (each.claim !== undefined)
      credentials[fingerprint] = { ...each, claim: { ...each.claim, used: true } };
  }
  return { ...record, credentials };
}

function mark(record: DeviceRecord, marks: Marks): DeviceRecord {
  const since = marks.reentrySince(record.id);
  const spent = spendClaims(record, marks);
  if (since <= record.state.reentry_required_since) return spent;
  return { ...spent, state: { ...spent.state, reentry_required_since: since } };
}

/** A reader of `records` whose devices carry the marks of the ledger. */
export function withDuties(records: RecordReader, marks: Marks): RecordReader {
  return withDevices(records, (device) => mark(device, marks));
}
