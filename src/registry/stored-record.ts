/** What the registry answers: records as they are in force, and how fresh they are. */

import type {
  DeviceRecord,
  FirmwarePolicyRecord,
  RecordKey,
  RecordKind,
  ReleaseRecord,
  RolloutRecord,
  ServiceRecord,
  TenantRecord,
} from "../decision/facts.ts";
import type { ReportRecord, Said } from "../decision/report.ts";
import type { Missing } from "./may-own.ts";

/**
 * One record in force. `revision` is the registry revision at which it last really changed.
 * A record that its source sent malformed is in force as `invalid` with the reason: it isolates one
 * device (`facts_invalid`), whatever older version there was (FACTS.md, "Registry feed").
 */
export type StoredRecord<T> = Stand &
  (
    | { readonly record: T; readonly invalid?: undefined }
    | { readonly record?: undefined; readonly invalid: string }
  );

/** Where a record stands, and whose it is. */
interface Stand {
  readonly key: RecordKey;
  readonly revision: number;
  /** The source that owns it; absent where it was made here. */
  readonly source?: string;
  /** Groups of its facts that others have said; absent: the source said all of it. */
  readonly said?: readonly Said[];
}

/** How old the facts are. */
export interface Freshness {
  /** Whether a snapshot of every source was ever completed; before that nothing can be decided. */
  readonly synced: boolean;
  /** Unix seconds through which the facts are complete: now less the lag of the oldest of their sources. */
  readonly watermark: number;
  /** Whole seconds since then, never negative. It ages on the monotonic clock. */
  readonly ageS: number;
}

/** Synchronous reads from memory and the memory map. Total: any string is a permitted id. */
export interface RecordReader {
  device(id: string): StoredRecord<DeviceRecord> | undefined;
  tenant(id: string): StoredRecord<TenantRecord> | undefined;
  firmwarePolicy(tenant: string, deviceClass: string): StoredRecord<FirmwarePolicyRecord> | undefined;
  release(id: string): StoredRecord<ReleaseRecord> | undefined;
  rollout(id: string): StoredRecord<RolloutRecord> | undefined;
  service(id: string): StoredRecord<ServiceRecord> | undefined;
  /** Registry revision in force: grows by one with every snapshot that changed something. */
  readonly revision: number;
  /** How fresh the facts of these sources are together; without any, of all. */
  freshness(sources?: readonly string[]): Freshness;
  /** Names of the sources that a record could have come from which is not there. */
  mayOwn(missing: Missing): readonly string[];
  /** Seconds through which a source is behind; `undefined`: there is no such source. */
  sourceAgeS(source: string): number | undefined;
}

/** What others than its owner say of a device. */
export interface ReportReader {
  report(origin: ReportRecord["origin"], device: string): StoredRecord<ReportRecord> | undefined;
}

/** A valid record of any kind. */
export type AnyRecord =
  | DeviceRecord
  | TenantRecord
  | FirmwarePolicyRecord
  | ReleaseRecord
  | RolloutRecord
  | ServiceRecord
  | ReportRecord;

/** Whether records of this key are as many as devices: they stay on disk, the others are held in memory. */
export function isMany(key: RecordKey): boolean {
  return key.startsWith("device:") || key.startsWith("report:");
}

/** The kind that a key names. */
export function kindOf(key: RecordKey): RecordKind {
  return key.slice(0, key.indexOf(":")) as RecordKind;
}

/** Tenant that a record is of; `undefined`: it is nobody's in particular. */
export function tenantIn(record: AnyRecord): string | undefined {
  if ("tenant" in record) return record.tenant;
  return "playbook" in record ? record.id : undefined;
}
