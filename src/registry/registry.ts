/** The registry: records in force, how fresh they are, and the one way they change. */
import { channel } from "node:diagnostics_channel";
import type { Change } from "../decision/change.ts";
import type {
  DeviceRecord,
  FirmwarePolicyRecord,
  RecordKey,
  ReleaseRecord,
  RolloutRecord,
  ServiceRecord,
  TenantRecord,
} from "../decision/facts.ts";
import { isSafeId } from "../decision/ids.ts";
import type { Clock } from "../runtime/clock.ts";
import { Fault } from "../runtime/fault.ts";
import { deepFreeze } from "./deep-freeze.ts";
import { Feed } from "./feed.ts";
import type { FeedChoice } from "./feed-choice.ts";
import { below, servicesHolding } from "./few-records.ts";
import { defaultSpiffeNaming, type IndexName } from "./index-terms.ts";
import { lapsedSince } from "./lapsed-signals.ts";
import { LmdbStore } from "./lmdb-store.ts";
import { MemoryStore } from "./memory-store.ts";
import type { RecordStore, StoredValue } from "./record-store.ts";
import type { RegistryOptions } from "./registry-options.ts";
import type { RegistryStatus } from "./registry-status.ts";
import { freshnessOf, SourceAge } from "./source-status.ts";
import { type Freshness, type RecordReader, type StoredRecord, tenantIn } from "./stored-record.ts";
import { holdsAny, sumOf } from "./tally.ts";
import { Territories } from "./territories.ts";
import { toStored } from "./to-stored.ts";

/** Longest value that an index is asked for. */
const maxIndexed = 1024;
/** More changed keys than this are announced as a change of everything. */
const maxAnnounced = 100_000;

/** Is told of a change; a promise that it returns is waited for. */
export type ChangeListener = (change: Change) => unknown;

/** Facts in force. One process writes; its feeds take turns. */
export interface Registry extends RecordReader, AsyncDisposable {
  /**
   * Calls `listener` with what really changed, once readers see it and before anything else happens.
   * A feed is done when all listeners are, so that one may wait for other processes. Returns how to stop. A listener
   * that throws fails the snapshot's feed, after all others were called.
   */
  onChange(listener: ChangeListener): () => void;
  /** Frees what reader processes that were killed hold on to. */
  releaseReaders(): void;
  /**
   * Device ids in order behind one, at most `limit`. A device that arrives in the midst of a walk may be missed.
   */
  deviceIdsAfter(after: string | undefined, limit: number): readonly string[];
  /**
   * Ids of the devices that an index finds, in order behind `after`, at most `limit`: by the fingerprint of a
   * credential, their SPIFFE id, tenant, own model, or a gateway that may speak for them. Devices of a tenant's model
   * are found by tenant.
   */
  deviceIdsBy(index: IndexName, value: string, after: string | undefined, limit: number): readonly string[];
  /** Ids of all releases. */
  releaseIds(): readonly string[];
  /** The writing end for one source; each name once. Its records are its own: another source's are refused, as are those of other tenants than its own. */
  feed(name: string, options?: FeedChoice): Feed;
  /** Lets the snapshot in that a source was refused for its deletions. Throws `not_found` where there is none. */
  confirmLoss(source: string): void;
  status(): RegistryStatus;
  /** Classes of a tenant's devices, as its firmware policies name them. */
  classesOf(tenant: string): readonly string[];
  /** Ids of the back-ends that hold a credential. */
  servicesHolding(fingerprint: string): readonly string[];
}

/** Opens the registry in `dir`, or one in memory. Throws `store_unavailable`. */
export async function openRegistry(options: RegistryOptions): Promise<Registry> {
  const naming = options.naming ?? defaultSpiffeNaming;
  const store =
    options.memory === true ? new MemoryStore(naming) : await LmdbStore.open(options.dir, { naming });
  return new StoredRegistry(store, options.clock, options.lapsed);
}

const applied = channel("sallyport:registry:applied");

class StoredRegistry implements Registry {
  readonly #store: RecordStore;
  readonly #clock: Clock;
  readonly #lapsed: RegistryOptions["lapsed"];
  readonly #few = new Map<RecordKey, StoredValue>();
  readonly #feeds = new Map<string, Feed>();
  /** The last feed of each source, at work or not: what it was told stays known. */
  readonly #told = new Map<string, Feed>();
  /** Ages of the sources that count: those of the store, fed or not. */
  readonly #ages = new Map<string, SourceAge>();
  readonly #territories = new Territories();
  /** Sources without whose first snapshot nothing is decided. */
  readonly #awaited = new Set<string>();
  readonly #listeners = new Set<ChangeListener>();
  /** The snapshot that is being applied, if any: the next one waits for it. */
  #turn: Promise<void> = Promise.resolve();

  constructor(store: RecordStore, clock: Clock, lapsed: RegistryOptions["lapsed"]) {
    this.#lapsed = lapsed;
    this.#store = store;
    this.#clock = clock;
    for (const kind of ["tenant", "firmware_policy", "release", "rollout", "service"] as const)
      for (const key of store.keys(kind)) this.#remember(key, store.get(key));
    for (const [name, { watermark }] of Object.entries(store.state.sources))
      this.#age(name).resume(watermark);
  }

  get revision(): number {
    return this.#store.state.revision;
  }

  device(id: string): StoredRecord<DeviceRecord> | undefined {
    // INVARIANT: keys of the store hold well-formed text only; a lone surrogate would alias another id.
    if (!isSafeId(id)) return undefined;
    const key: RecordKey = `device:${id}`;
    return toStored<DeviceRecord>(key, this.#store.get(key));
  }

  tenant(id: string): StoredRecord<TenantRecord> | undefined {
    return toStored<TenantRecord>(`tenant:${id}`, this.#few.get(`tenant:${id}`));
  }

  firmwarePolicy(tenant: string, deviceClass: string): StoredRecord<FirmwarePolicyRecord> | undefined {
    const key: RecordKey = `firmware_policy:${tenant}/${deviceClass}`;
    return toStored<FirmwarePolicyRecord>(key, this.#few.get(key));
  }

  classesOf(tenant: string): readonly string[] {
    return below(this.#few, `firmware_policy:${tenant}/`);
  }

  deviceIdsAfter(after: string | undefined, limit: number): readonly string[] {
    return this.#store.keysAfter("device", after, limit).map((key) => key.slice("device:".length));
  }

  deviceIdsBy(index: IndexName, value: string, after: string | undefined, limit: number): readonly string[] {
    // What no record can hold is asked of no store: LMDB bounds its keys.
    return value.length > maxIndexed || !value.isWellFormed()
      ? []
      : this.#store.deviceIdsBy(`${index}:${value}`, after, limit);
  }

  releaseIds(): readonly string[] {
    return below(this.#few, "release:");
  }
  release(id: string): StoredRecord<ReleaseRecord> | undefined {
    return toStored<ReleaseRecord>(`release:${id}`, this.#few.get(`release:${id}`));
  }
  rollout(id: string): StoredRecord<RolloutRecord> | undefined {
    return toStored<RolloutRecord>(`rollout:${id}`, this.#few.get(`rollout:${id}`));
  }
  servicesHolding(fingerprint: string): readonly string[] {
    return servicesHolding(this.#few, fingerprint);
  }
  service(id: string): StoredRecord<ServiceRecord> | undefined {
    return toStored<ServiceRecord>(`service:${id}`, this.#few.get(`service:${id}`));
  }
  freshness(): Freshness {
    const { sources } = this.#store.state;
    let synced = Object.keys(sources).length > 0;
    for (const name of this.#awaited) if (sources[name] === undefined) synced = false;
    let ageS = 0;
    for (const [name, age] of this.#ages) {
      const source = sources[name];
      // Nothing rests on a source without records, however long ago it was heard.
      if (source !== undefined && (this.#ages.size === 1 || holdsAny(source.counts)))
        ageS = Math.max(ageS, age.ageS());
    }
    const now = this.#clock.now();
    return synced ? { synced, watermark: now - ageS, ageS } : { synced, watermark: 0, ageS: now };
  }

  onChange(listener: ChangeListener): () => void {
    const own: ChangeListener = (change) => listener(change);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  feed(name: string, { awaited = true, confirm, kinds, tenants = ["*"] }: FeedChoice = {}): Feed {
    if (this.#feeds.has(name)) throw new Fault("request_invalid", `source \`${name}\` has a feed already`);
    if (awaited) this.#territories.claim(name, { kinds, tenants });
    if (awaited) this.#awaited.add(name);
    const feed = new Feed({
      name,
      tenants,
      kinds,
      ownerOf: (key, record) => this.#territories.ownerOf(key, record && tenantIn(record)),
      replaced: (device) => this.#lapse(device),
      confirmed: () => confirm?.(),
      clock: this.#clock,
      store: this.#store,
      age: this.#age(name),
      takeTurn: () => this.#takeTurn(),
      putInForce: (flip, changed, few) => this.#putInForce(flip, changed, few),
      closed: () => this.#feeds.delete(name),
    });
    this.#feeds.set(name, feed);
    this.#told.set(name, feed);
    return feed;
  }

  confirmLoss(source: string): void {
    if (!this.#feeds.has(source)) throw new Fault("not_found", `there is no source \`${source}\` at work`);
    this.#feeds.get(source)?.confirmLoss();
  }

  status(): RegistryStatus {
    const { revision, sources } = this.#store.state;
    return {
      ...this.freshness(),
      revision,
      counts: sumOf(Object.values(sources).map(({ counts }) => counts)),
      sources: [...this.#ages].map(([name, age]) => {
        const told = this.#told.get(name)?.report() ?? { rejected: [], rejectedTotal: 0 };
        const position = sources[name]?.position;
        return {
          name,
          ...freshnessOf(sources[name], age),
          counts: sources[name]?.counts ?? {},
          ...(position === undefined ? {} : { position }),
          ...told,
        };
      }),
    };
  }

  releaseReaders(): void {
    this.#store.releaseReaders();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const feed of this.#feeds.values()) await feed[Symbol.asyncDispose]();
    await this.#turn;
    this.#listeners.clear();
    await this.#store[Symbol.asyncDispose]();
  }

  #age(name: string): SourceAge {
    let age = this.#ages.get(name);
    if (age === undefined) this.#ages.set(name, (age = new SourceAge(this.#clock)));
    return age;
  }

  /** What a detection that has lapsed leaves behind outlives its record. */
  #lapse(device: DeviceRecord): void {
    if (this.#lapsed === undefined || device.state.signals.length === 0) return;
    const since = lapsedSince(device, this.tenant(device.tenant)?.record?.playbook, this.#clock.now());
    if (since > device.state.reentry_required_since) this.#lapsed(device.id, since);
  }

  /** Waits for the snapshot before this one; the returned function ends the turn. */
  async #takeTurn(): Promise<() => void> {
    const before = this.#turn;
    let end = (): void => {};
    this.#turn = new Promise((resolve) => (end = resolve));
    await before;
    return end;
  }

  /** Flip, memory, announcement: one synchronous step, so that no answer can fall between. */
  async #putInForce(
    flip: () => void,
    changed: readonly RecordKey[],
    few: ReadonlyMap<RecordKey, StoredValue | null>,
  ): Promise<void> {
    const first = !this.freshness().synced;
    flip();
    const { revision } = this.#store.state;
    for (const [key, value] of few) this.#remember(key, value ?? undefined);
    const change: Change =
      first || changed.length > maxAnnounced
        ? { scope: "everything", revision }
        : { scope: "records", revision, keys: changed };
    const faults: unknown[] = [];
    const waiting: Promise<unknown>[] = [];
    for (const listener of this.#listeners) {
      try {
        const done = listener(change);
        if (done instanceof Promise) waiting.push(done);
      } catch (error) {
        faults.push(error);
      }
    }
    if (applied.hasSubscribers) applied.publish({ revision, changed: changed.length });
    for (const end of await Promise.allSettled(waiting))
      if (end.status === "rejected") faults.push(end.reason);
    if (faults.length > 0) throw Fault.from(faults[0], "internal", "a change was not taken up everywhere");
  }

  #remember(key: RecordKey, value: StoredValue | undefined): void {
    if (value === undefined) this.#few.delete(key);
    else this.#few.set(key, deepFreeze(value));
  }
}
