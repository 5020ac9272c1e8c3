/** The records of a simulated campaign: those of a fleet file, moved by the simulation, complete through its end. */
import type {
  DeviceRecord,
  FirmwarePolicyRecord,
  RecordKey,
  ReleaseRecord,
  RolloutRecord,
  ServiceRecord,
  TenantRecord,
} from "../decision/facts.ts";
import type { AnyRecord, Freshness, RecordReader, StoredRecord } from "../registry/stored-record.ts";
import type { Clock } from "../runtime/clock.ts";
import { aged, type SimulatedDevice } from "./simulated-device.ts";

/** Records by key. Devices are those that were added; they age with the clock. */
export class SimulatedRecords implements RecordReader {
  readonly #records = new Map<string, AnyRecord>();
  readonly #devices = new Map<string, SimulatedDevice>();
  readonly #clock: Clock;
  readonly #from: number;
  readonly #until: number;
  /** Counts the changes of what devices have in common. */
  revision = 1;

  constructor(records: ReadonlyMap<RecordKey, AnyRecord>, clock: Clock, until: number) {
    for (const [key, record] of records) if (!key.startsWith("device:")) this.#records.set(key, record);
    this.#clock = clock;
    this.#from = clock.now();
    this.#until = until;
  }

  /** Takes a device in. */
  add(device: SimulatedDevice): void {
    this.#devices.set(device.id, device);
  }

  /** Puts a rollout in the place of what it was. */
  replaceRollout(rollout: RolloutRecord): void {
    this.#records.set(`rollout:${rollout.id}`, rollout);
    this.revision += 1;
  }

  /** The record of a device at this moment. */
  deviceNow({ record }: SimulatedDevice): DeviceRecord {
    return aged(record, this.#clock.now() - this.#from);
  }

  device(id: string): StoredRecord<DeviceRecord> | undefined {
    const device = this.#devices.get(id);
    if (device === undefined) return undefined;
    return { key: `device:${id}`, revision: this.revision, record: this.deviceNow(device) };
  }

  tenant(id: string): StoredRecord<TenantRecord> | undefined {
    return this.#stored(`tenant:${id}`);
  }

  firmwarePolicy(tenant: string, deviceClass: string): StoredRecord<FirmwarePolicyRecord> | undefined {
    return this.#stored(`firmware_policy:${tenant}/${deviceClass}`);
  }

  release(id: string): StoredRecord<ReleaseRecord> | undefined {
    return this.#stored(`release:${id}`);
  }

  rollout(id: string): StoredRecord<RolloutRecord> | undefined {
    return this.#stored(`rollout:${id}`);
  }

  service(id: string): StoredRecord<ServiceRecord> | undefined {
    return this.#stored(`service:${id}`);
  }

  /** A registry that is never behind. */
  freshness(): Freshness {
    return { synced: true, watermark: this.#until, ageS: 0 };
  }

  sourceAgeS(): undefined {}

  mayOwn(): readonly string[] {
    return [];
  }

  #stored<T extends AnyRecord>(key: RecordKey): StoredRecord<T> | undefined {
    const record = this.#records.get(key) as T | undefined;
    return record === undefined ? undefined : { key, revision: this.revision, record };
  }
}
