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
import type { ReportRecord } from "../decision/report.ts";
import type { Clock } from "../runtime/clock.ts";
import { Fault } from "../runtime/fault.ts";
import { Feed } from "./feed.ts";
import type { FeedChoice } from "./feed-choice.ts";
import { FewRecords, fewKinds } from "./few-records.ts";
import { defaultSpiffeNaming, type IndexName } from "./index-terms.ts";
import type { KnownSource } from "./known-sources.ts";
import { Listeners } from "./listeners.ts";
import { LmdbStore } from "./lmdb-store.ts";
import { LostTrust } from "./lost-trust.ts";
import type { Missing } from "./may-own.ts";
import { MemoryStore } from "./memory-store.ts";
import type { RecordStore, StoredValue } from "./record-store.ts";
import type { RegistryOptions } from "./registry-options.ts";
import type { RegistryStatus } from "./registry-status.ts";
import { SourceAges } from "./source-ages.ts";
import { freshnessOf } from "./source-status.ts";
import {
  type Freshness,
  type RecordReader,
  type ReportReader,
  type StoredRecord,
  tenantIn,
} from "./stored-record.ts";
import { sumOf } from "./tally.ts";
import { Territories } from "./territories.ts";
import { toStored } from "./to-stored.ts";
import { withSubjects } from "./with-subjects.ts";

/** Longest value that an index is asked for. */
const maxIndexed = 1024;
/** More changed keys than this are announced as a change of everything. */
const maxAnnounced = 100_000;

/** Is told of a change; a promise that it returns is waited for. */
type ChangeListener = (change: Change) => unknown;

/** Facts in force. One process writes; its feeds take turns. */
export interface Registry extends RecordReader, ReportReader, AsyncDisposable {
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
  /** The sources with their ages, for processes that read what this one writes. */
  knownSources(): readonly KnownSource[];
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
  return new StoredRegistry(store, options.clock, options.lost);
}

const applied = channel("sallyport:registry:applied");

class StoredRegistry implements Registry {
  readonly #store: RecordStore;
  readonly #clock: Clock;
  readonly #lost: RegistryOptions["lost"];
  readonly #few = new FewRecords();
  /** Whether anybody ever said something of another's device: else nobody need look. */
  #reported: boolean;
  readonly #feeds = new Map<string, Feed>();
  /** The last feed of each source, at work or not: what it was told stays known. */
  readonly #told = new Map<string, Feed>();
  readonly #ages: SourceAges;
  readonly #territories = new Territories();
  readonly #listeners = new Listeners<[Change]>("a change was not taken up everywhere");
  /** The snapshot that is being applied, if any: the next one waits for it. */
  #turn: Promise<void> = Promise.resolve();

  constructor(store: RecordStore, clock: Clock, lost: RegistryOptions["lost"]) {
    this.#lost = lost;
    this.#store = store;
    this.#clock = clock;
    for (const kind of fewKinds) for (const key of store.keys(kind)) this.#few.remember(key, store.get(key));
    this.#reported = store.keysAfter("report", undefined, 1).length > 0;
    this.#ages = new SourceAges(clock, store.state.sources);
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

  report(origin: ReportRecord["origin"], device: string): StoredRecord<ReportRecord> | undefined {
    if (!this.#reported || !isSafeId(device)) return undefined;
    const key: RecordKey = `report:${origin}/${device}`;
    return toStored<ReportRecord>(key, this.#store.get(key));
  }

  tenant(id: string): StoredRecord<TenantRecord> | undefined {
    return this.#few.tenant(id);
  }
  firmwarePolicy(tenant: string, deviceClass: string): StoredRecord<FirmwarePolicyRecord> | undefined {
    return this.#few.firmwarePolicy(tenant, deviceClass);
  }
  release(id: string): StoredRecord<ReleaseRecord> | undefined {
    return this.#few.release(id);
  }
  rollout(id: string): StoredRecord<RolloutRecord> | undefined {
    return this.#few.rollout(id);
  }
  service(id: string): StoredRecord<ServiceRecord> | undefined {
    return this.#few.service(id);
  }
  releaseIds(): readonly string[] {
    return this.#few.releaseIds();
  }
  classesOf(tenant: string): readonly string[] {
    return this.#few.classesOf(tenant);
  }
  servicesHolding(fingerprint: string): readonly string[] {
    return this.#few.servicesHolding(fingerprint);
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

  freshness(sources?: readonly string[]): Freshness {
    return this.#ages.freshness(this.#store.state.sources, sources);
  }

  mayOwn(missing: Missing): readonly string[] {
    return this.#ages.mayOwn(this.#store.state.sources, missing);
  }

  sourceAgeS(source: string): number | undefined {
    return this.#ages.ageS(source);
  }

  knownSources(): readonly KnownSource[] {
    return this.#ages.all(this.#store.state.sources);
  }

  onChange(listener: ChangeListener): () => void {
    return this.#listeners.add(listener);
  }

  feed(name: string, choice: FeedChoice = {}): Feed {
    const { awaited = true, confirm, kinds, origin = "operator", tenants = ["*"] } = choice;
    if (this.#feeds.has(name)) throw new Fault("request_invalid", `source \`${name}\` has a feed already`);
    // What others say of a device takes nothing from who owns its record.
    if (awaited && origin === "operator") this.#territories.claim(name, { kinds, tenants });
    this.#ages.feeds(name, { awaited, origin, kinds, tenants });
    const feed = new Feed({
      name,
      tenants,
      kinds,
      origin,
      awaited,
      ownerOf: (key, record) =>
        this.#territories.ownerOf(key, () => {
          const known = record();
          return known && tenantIn(known);
        }),
      lostTrust: () =>
        new LostTrust({
          clock: this.#clock,
          playbookOf: (tenant) => this.tenant(tenant)?.record?.playbook,
          keep: this.#lost,
        }),
      confirmed: () => confirm?.(),
      clock: this.#clock,
      store: this.#store,
      age: this.#ages.of(name),
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
        const feed = this.#told.get(name);
        const told = feed?.report() ?? { rejected: [], rejectedTotal: 0 };
        const position = sources[name]?.position;
        return {
          name,
          ...freshnessOf(sources[name], age),
          counts: sources[name]?.counts ?? {},
          ...(position === undefined ? {} : { position }),
          ...(feed === undefined ? {} : { origin: feed.origin }),
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
    for (const [key, value] of few) this.#few.remember(key, value ?? undefined);
    const keys = withSubjects(changed);
    this.#reported ||= keys !== changed;
    // INVARIANT: whoever found a record absent counts the age of every source that could bring it.
    const moved = this.#ages.moved(this.#store.state.sources);
    const change: Change =
      first || moved || changed.length > maxAnnounced
        ? { scope: "everything", revision }
        : { scope: "records", revision, keys };
    const announced = this.#listeners.announce(change);
    if (applied.hasSubscribers) applied.publish({ revision, changed: changed.length });
    await announced;
  }
}
