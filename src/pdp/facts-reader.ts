/** What the PDP reads facts from; `registry/` provides it. */

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
import type { Origin, Said } from "../decision/report.ts";

/** A record as stored: valid, or isolated because it is not. */
export type Stored<T> = Stand &
  (
    | { readonly record: T; readonly invalid?: undefined }
    | { readonly record?: undefined; readonly invalid: string }
  );

interface Stand {
  readonly key: RecordKey;
  readonly revision: number;
  /** The source that owns it. */
  readonly source?: string;
  /** Groups of its facts that others have said. */
  readonly said?: readonly Said[];
}

/** A record that is not there. */
export interface MissingRecord {
  readonly kind: RecordKind;
  /** Tenant that it would be of; absent: nobody knows. */
  readonly tenant?: string | undefined;
  /** Whose word it would be. */
  readonly origin: Origin;
}

/** Synchronous access to the facts in force. */
export interface FactsReader {
  device(id: string): Stored<DeviceRecord> | undefined;
  tenant(id: string): Stored<TenantRecord> | undefined;
  firmwarePolicy(tenant: string, deviceClass: string): Stored<FirmwarePolicyRecord> | undefined;
  release(id: string): Stored<ReleaseRecord> | undefined;
  rollout(id: string): Stored<RolloutRecord> | undefined;
  service(id: string): Stored<ServiceRecord> | undefined;
  /** Monotone revision of the registry. */
  readonly revision: number;
  /** Whether a snapshot was ever completed, and the time through which the facts of some sources are complete, or of all. */
  freshness(sources?: readonly string[]): { readonly synced: boolean; readonly watermark: number };
  /** Names of the sources that a record could have come from which is not there. Absent: any. */
  mayOwn?(missing: MissingRecord): readonly string[];
  /** Seconds by which a source is behind, for explanations; `undefined`: there is no such source. */
  sourceAgeS?(source: string): number | undefined;
}
