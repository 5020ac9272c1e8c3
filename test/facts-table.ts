/** A registry for tests: records in maps, freshness by hand, changes announced as the real one does. */
import type { Change } from "../src/decision/change.ts";
import type {
  DeviceRecord,
  FirmwarePolicyRecord,
  RecordKey,
  ReleaseRecord,
  RolloutRecord,
  ServiceRecord,
  TenantRecord,
} from "../src/decision/facts.ts";
import type { FactsReader, MissingRecord, Stored } from "../src/pdp/facts-reader.ts";
import type { AnyRecord } from "../src/registry/stored-record.ts";

export class FactsTable implements FactsReader {
  readonly #records = new Map<string, Stored<AnyRecord>>();
  readonly #listeners: ((change: Change) => void)[] = [];
  revision = 0;
  synced = true;
  watermark = 0;
  /** Sources that are complete through other times than `watermark`. */
  readonly watermarks = new Map<string, number>();

  onChange(listener: (change: Change) => void): void {
    this.#listeners.push(listener);
  }

  device(id: string): Stored<DeviceRecord> | undefined {
    return this.#records.get(`device:${id}`) as Stored<DeviceRecord> | undefined;
  }

  tenant(id: string): Stored<TenantRecord> | undefined {
    return this.#records.get(`tenant:${id}`) as Stored<TenantRecord> | undefined;
  }

  firmwarePolicy(tenant: string, deviceClass: string): Stored<FirmwarePolicyRecord> | undefined {
    return this.#records.get(`firmware_policy:${tenant}/${deviceClass}`) as
      | Stored<FirmwarePolicyRecord>
      | undefined;
  }

  release(id: string): Stored<ReleaseRecord> | undefined {
    return this.#records.get(`release:${id}`) as Stored<ReleaseRecord> | undefined;
  }

  rollout(id: string): Stored<RolloutRecord> | undefined {
    return this.#records.get(`rollout:${id}`) as Stored<RolloutRecord> | undefined;
  }

  service(id: string): Stored<ServiceRecord> | undefined {
    return this.#records.get(`service:${id}`) as Stored<ServiceRecord> | undefined;
  }

  freshness(sources?: readonly string[]): { synced: boolean; watermark: number } {
    const { synced, watermark, watermarks } = this;
    if (watermarks.size === 0) return { synced, watermark };
    const each = (sources ?? [...watermarks.keys()]).map((name) => watermarks.get(name) ?? watermark);
    return { synced, watermark: Math.min(...each) };
  }

  /** Any source may have any record; none says anything of another's device. */
  mayOwn({ kind }: MissingRecord): readonly string[] {
    return kind === "report" ? [] : [...this.watermarks.keys()];
  }

  /** Stores a record, of a source or of nobody knows whom, and announces it. */
  put(key: RecordKey, record: AnyRecord, source?: string): void {
    this.revision += 1;
    const { revision } = this;
    this.#records.set(key, { key, revision, record, ...(source === undefined ? {} : { source }) });
    this.#announce({ scope: "records", revision: this.revision, keys: [key] });
  }

  /** Stores an isolated record and announces it. */
  isolate(key: RecordKey, invalid: string): void {
    this.revision += 1;
    this.#records.set(key, { key, revision: this.revision, invalid });
    this.#announce({ scope: "records", revision: this.revision, keys: [key] });
  }

  /** Removes a record and announces it. */
  remove(key: RecordKey): void {
    if (!this.#records.delete(key)) return;
    this.revision += 1;
    this.#announce({ scope: "records", revision: this.revision, keys: [key] });
  }

  /** Forgets every record and announces it. */
  clear(): void {
    this.revision += 1;
    this.#records.clear();
    this.#announce({ scope: "everything", revision: this.revision });
  }

  #announce(change: Change): void {
    for (const listener of this.#listeners) listener(change);
  }
}
