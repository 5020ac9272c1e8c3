/** The kinds of record that are few: held in memory, frozen, by whoever reads the store. */
import type {
  FirmwarePolicyRecord,
  RecordKey,
  RecordKind,
  ReleaseRecord,
  RolloutRecord,
  ServiceRecord,
  TenantRecord,
} from "../decision/facts.ts";
import { deepFreeze } from "./deep-freeze.ts";
import type { StoredValue } from "./record-store.ts";
import type { StoredRecord } from "./stored-record.ts";
import { toStored } from "./to-stored.ts";

/** Those kinds. */
export const fewKinds: readonly RecordKind[] = ["tenant", "firmware_policy", "release", "rollout", "service"];

/** What is in force of them. */
export class FewRecords {
  readonly #records = new Map<RecordKey, StoredValue>();

  /** Replaces a record; `undefined`: there is none any more. */
  remember(key: RecordKey, value: StoredValue | undefined): void {
    if (value === undefined) this.#records.delete(key);
    else this.#records.set(key, deepFreeze(value));
  }

  clear(): void {
    this.#records.clear();
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

  /** Ids of all releases. */
  releaseIds(): readonly string[] {
    return this.#below("release:");
  }

  /** Classes of a tenant's devices, as its firmware policies name them. */
  classesOf(tenant: string): readonly string[] {
    return this.#below(`firmware_policy:${tenant}/`);
  }

  /** Ids of the back-ends that hold a credential. */
  servicesHolding(fingerprint: string): readonly string[] {
    return this.#below("service:").filter((id) => {
      const service = this.service(id)?.record;
      return service !== undefined && Object.hasOwn(service.credentials, fingerprint);
    });
  }

  #stored<T>(key: RecordKey): StoredRecord<T> | undefined {
    return toStored<T>(key, this.#records.get(key));
  }

  /** What follows `prefix` in the keys that begin with it. */
  #below(prefix: string): readonly string[] {
    return [...this.#records.keys()]
      .filter((key) => key.startsWith(prefix))
      .map((key) => key.slice(prefix.length));
  }
}
