/** What the PDP reads facts from; `registry/` provides it. */

import type {
  DeviceRecord,
  FirmwarePolicyRecord,
  RecordKey,
  ReleaseRecord,
  RolloutRecord,
  ServiceRecord,
  TenantRecord,
} from "../decision/facts.ts";
import type { Said } from "../decision/report.ts";

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
  /** Whether a snapshot was ever completed, and the time through which facts are complete. */
  freshness(): { readonly synced: boolean; readonly watermark: number };
  /** Seconds by which a source is behind, for explanations; `undefined`: there is no such source. */
  sourceAgeS?(source: string): number | undefined;
}
