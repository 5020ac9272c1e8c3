/**
 * Records joined with what others than their owner say: provenance per group of facts (FACTS.md, "Registry feed").
 * A verifier's word on evidence is newer evidence. A device's word counts where the operator leaves it to the device,
 * and never overwrites anybody else's (SYN-17).
 */

import type { DeviceRecord } from "../decision/facts.ts";
import type { ReportRecord, Said } from "../decision/report.ts";
import type { RecordReader, ReportReader, StoredRecord } from "./stored-record.ts";
import { withDeviceReads } from "./with-devices.ts";

type Report = StoredRecord<ReportRecord> & { readonly record: ReportRecord };
type Joining = { readonly device: DeviceRecord; readonly said: readonly Said[] };

const said = ({ record, revision, source = "" }: Report, group: Said["group"]): Said => ({
  group,
  origin: record.origin,
  source,
  revision,
  told_at: record.told_at,
});

/** Evidence is the newest appraisal, whoever hands it on. */
function isNewer(theirs: ReportRecord["attestation"], known: DeviceRecord["attestation"]): boolean {
  return (known?.appraised_at ?? 0) <= (theirs?.appraised_at ?? 0);
}

function withVerifier({ device, said: before }: Joining, report: Report): Joining {
  const { attestation, attested_key } = report.record;
  let joined = device;
  if (attestation !== undefined && isNewer(attestation, device.attestation))
    joined = { ...joined, attestation };
  if (attested_key !== undefined && joined.firmware !== undefined)
    joined = { ...joined, firmware: { ...joined.firmware, attested_key } };
  return joined === device
    ? { device, said: before }
    : { device: joined, said: [...before, said(report, "attestation")] };
}

function withDevice({ device, said: before }: Joining, report: Report): Joining {
  const { firmware, readiness } = report.record;
  const { provenance } = device;
  const more: Said[] = [];
  let joined = device;
  if (firmware !== undefined && provenance?.firmware === "device") {
    // What was measured is not the device's to take away.
    const attested = device.firmware?.attested_key;
    joined = {
      ...joined,
      firmware: attested === undefined ? firmware : { ...firmware, attested_key: attested },
    };
    more.push(said(report, "firmware"));
  }
  if (readiness !== undefined && provenance?.readiness === "device") {
    joined = { ...joined, ota: { ...joined.ota, ...readiness } };
    more.push(said(report, "readiness"));
  }
  return { device: joined, said: [...before, ...more] };
}

function join(
  stored: StoredRecord<DeviceRecord> & { readonly record: DeviceRecord },
  reports: readonly StoredRecord<ReportRecord>[],
): StoredRecord<DeviceRecord> {
  let joining: Joining = { device: stored.record, said: [] };
  let { revision } = stored;
  for (const report of reports) {
    const { key, source = "" } = stored;
    if (report.invalid !== undefined)
      return {
        key,
        revision,
        source,
        invalid: `\`${report.key}\` of source \`${report.source}\`: ${report.invalid}`,
      };
    // Another tenant's word is not about this device, whatever its id.
    if (report.record.tenant !== stored.record.tenant) continue;
    revision = Math.max(revision, report.revision);
    joining = report.record.origin === "device" ? withDevice(joining, report) : withVerifier(joining, report);
  }
  const { device, said } = joining;
  if (device.firmware === undefined && device.class !== "gateway")
    return { ...stored, record: undefined, invalid: "`firmware`: the device has not told it yet" };
  return device === stored.record ? stored : { ...stored, revision, record: device, said };
}

/** A reader of `records` whose devices hold what was reported of them. */
export function withReports(records: RecordReader & ReportReader): RecordReader {
  return withDeviceReads(records, (id) => {
    const stored = records.device(id);
    if (stored?.record === undefined) return stored;
    const told = records.report("device", id);
    const verified = records.report("verifier", id);
    // INVARIANT: the device speaks first, so that what was measured of its firmware is laid over what it says.
    const reports = [told, verified].filter((report) => report !== undefined);
    if (reports.length === 0 && stored.record.provenance === undefined) return stored;
    return join(stored, reports);
  });
}
