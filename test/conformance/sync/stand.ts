/** A registry with a decider over it, fed by one connection of the sync contract. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Decision } from "../../../src/decision/decision.ts";
import type { Feed } from "../../../src/registry/feed.ts";
import { createRecordValidator } from "../../../src/registry/record-validator.ts";
import { openRegistry, type Registry } from "../../../src/registry/registry.ts";
import type { SyncEvent, SyncReply } from "../../../src/registry/sync.ts";
import { SyncSession } from "../../../src/registry/sync-session.ts";
import { withReports } from "../../../src/registry/with-reports.ts";
import { ManualClock } from "../../../src/runtime/clock.ts";
import type { Json } from "../../cases/table.ts";
import { corePdp } from "../../pdp.ts";
import { brokerPeer, certificateFacts } from "../../records.ts";
import { shippedSnapshot } from "../../shipped.ts";
import type { Player } from "./scenario.ts";
import { Source } from "./source.ts";

const validate = createRecordValidator();
const now = 1_800_000_000;
const channels = ["divergence", "cross-tenant", "clock-back"].map((name) => `sallyport:registry:${name}`);

/** Reads what a row must hold, and plays what it does. */
export class Stand implements Player, AsyncDisposable {
  readonly clock: ManualClock;
  readonly registry: Registry;
  readonly replies: SyncReply[] = [];
  /** Reasons of connects that were asked for in the midst of the steps, by device. */
  readonly asked: [string, string][] = [];
  /** What was published on channels of the registry. */
  readonly news: [string, unknown][] = [];
  source: Source = new Source(now);
  feed: Feed;
  session: SyncSession;
  readonly #dir: string | undefined;
  readonly #decide: (kind: "connect" | "publish", id: string, stream: string) => Decision | Promise<Decision>;
  readonly #leave: () => void;

  private constructor(registry: Registry, clock: ManualClock, dir: string | undefined) {
    this.registry = registry;
    this.clock = clock;
    this.#dir = dir;
    [this.feed, this.session] = this.#connect("site", ["*"]);
    const hear = (message: unknown, name: string | symbol): void => {
      this.news.push([String(name).split(":")[2] ?? "", message]);
    };
    for (const name of channels) subscribe(name, hear);
    this.#leave = () => {
      for (const name of channels) unsubscribe(name, hear);
    };
    const records = withReports(registry);
    const facts = {
      device: (id: string) => records.device(id),
      tenant: (id: string) => records.tenant(id),
      firmwarePolicy: (tenant: string, name: string) => records.firmwarePolicy(tenant, name),
      release: (id: string) => records.release(id),
      rollout: (id: string) => records.rollout(id),
      service: (id: string) => records.service(id),
      freshness: (sources?: readonly string[]) => records.freshness(sources),
      mayOwn: records.mayOwn.bind(records),
      get revision() {
        return records.revision;
      },
      onChange: registry.onChange.bind(registry),
    };
    const pdp = corePdp(facts, this.clock);
    pdp.activate(shippedSnapshot());
    const decider = pdp.decider(brokerPeer);
    this.#decide = (kind, id, stream) => {
      const tenant = id === "cam-3" ? "acme-zt" : "acme";
      const [from, to] = id === "cam-3" ? [now - 3600, now + 12 * 3600] : [now - 8_640_000, now + 22_896_000];
      const credential = certificateFacts(id, now, {
        tenant,
        fingerprint: `fp-${id}-b`,
        not_before: from,
        not_after: to,
      });
      const subject = { client_id: id, proof: { key: JSON.stringify(credential), credential } };
      if (kind === "connect") return decider.decide({ kind, subject });
      const topic = `t/${tenant}/d/${id}/${stream}/x`;
      return decider.decide({ kind, subject, topic, qos: 0, retain: false });
    };
  }

  static async open(durable: boolean): Promise<Stand> {
    const dir = durable ? await mkdtemp(path.join(tmpdir(), "sallyport-rows-")) : undefined;
    const clock = new ManualClock(now);
    const registry = await openRegistry(dir === undefined ? { memory: true, clock } : { dir, clock });
    return new Stand(registry, clock, dir);
  }

  /** One with a snapshot of two devices in force, `meter-001` and `meter-002`, and no replies yet. */
  static async withTwo(durable: boolean): Promise<Stand> {
    const stand = await Stand.open(durable);
    await stand.begin(100);
    await stand.put("meter-001", {});
    await stand.put("meter-002", {});
    await stand.end(2);
    stand.replies.length = 0;
    return stand;
  }

  /** Why a device may connect, or not. */
  async connect(id: string): Promise<string> {
    return (await this.#decide("connect", id, "")).reason;
  }

  /** Why a device may publish on one of its streams, or not. */
  async publish(id: string, stream = "ops"): Promise<string> {
    return (await this.#decide("publish", id, stream)).reason;
  }

  async say(...events: readonly SyncEvent[]): Promise<void> {
    for (const event of events) await this.session.take(event);
    await this.session.flush();
  }

  async begin(revision: number | undefined): Promise<void> {
    await this.say(...this.source.begin(revision));
  }
  async put(id: string, patch: Json, at?: { revision?: number; prev?: number }): Promise<void> {
    await this.say(this.source.put(id, patch, at));
  }
  async gone(id: string, revision: number): Promise<void> {
    await this.say(this.source.gone(id, revision));
  }
  async end(count: number): Promise<void> {
    await this.say(this.source.end(count));
  }
  async bookmark(
    revision: number,
    agoS: number,
    digest?: "truth" | { bucket: number; count: number },
  ): Promise<void> {
    const bad = typeof digest === "object" ? [{ tenant: "acme", checksum: "sha256:bad", ...digest }] : [];
    const digests = digest === "truth" ? this.source.digests() : bad;
    await this.say({ type: "bookmark", revision, as_of: this.clock.now() - agoS, digests });
  }
  async lose(id: string, revision: number): Promise<void> {
    this.source.put(id, { state: { lifecycle: "quarantined" } }, { revision });
  }
  async breaks(): Promise<void> {
    await this.session[Symbol.asyncDispose]();
    await this.feed[Symbol.asyncDispose]();
  }
  async ask(id: string): Promise<void> {
    this.asked.push([id, await this.connect(id)]);
  }
  async quiet(seconds: number): Promise<void> {
    this.clock.advance(seconds);
  }
  async resume(): Promise<void> {
    await this.reconnect();
  }
  async expired(): Promise<void> {
    throw new Error("a source says that where it is asked: over HTTP");
  }
  async asFeedOf(tenant: string): Promise<void> {
    // Tenants and the camera are there by another feed, and so is acme's meter.
    await this.begin(100);
    await this.end(0);
    this.source = new Source(now, true);
    await this.breaks();
    [this.feed, this.session] = this.#connect(tenant, [tenant]);
    await this.begin(1);
    await this.put("meter-001", {});
    await this.end(1);
  }
  contiguous(): void {
    this.source.contiguous = true;
  }
  async attached(): Promise<void> {
    throw new Error("a client attaches to a service, not to a registry");
  }
  async report(origin: "device" | "verifier", facts: Json): Promise<void> {
    if (!this.registry.freshness().synced) {
      await this.begin(100);
      await this.put("meter-001", { provenance: { firmware: "device" } });
      await this.end(1);
    }
    const feed = this.registry.feed(origin, { origin });
    const reply = (each: SyncReply): void => void this.replies.push(each);
    const { clock } = this;
    const session = new SyncSession({ feed, validate, clock, epoch: "e", maxLostShare: 1, reply });
    const firmware = { version: "2.4.1", svn: 7, channel: "production", ...(facts["firmware"] as Json) };
    const told = { origin, device: "meter-001", tenant: "acme", told_at: now };
    const record = { ...told, ...facts, ...(origin === "device" ? { firmware } : {}) };
    await session.take({ type: "begin_snapshot", revision: 1 });
    await session.take({ type: "upsert", kind: "report", record: JSON.stringify(record), revision: 0 });
    await session.take({ type: "end_snapshot", count: 1, checksum: "" });
    await session[Symbol.asyncDispose]();
    await feed[Symbol.asyncDispose]();
  }

  /** The connection ends, another one begins. */
  async reconnect(): Promise<void> {
    const { name } = this.feed;
    await this.breaks();
    [this.feed, this.session] = this.#connect(name, ["*"]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#leave();
    await this.session[Symbol.asyncDispose]().catch(() => {});
    await this.registry[Symbol.asyncDispose]();
    if (this.#dir !== undefined) await rm(this.#dir, { recursive: true, force: true });
  }

  #connect(name: string, tenants: readonly string[]): [Feed, SyncSession] {
    const feed = this.registry.feed(name, { tenants });
    const reply = (each: SyncReply): void => void this.replies.push(each);
    const { clock } = this;
    const session = new SyncSession({ feed, validate, clock, epoch: "e", maxLostShare: 1, reply });
    return [feed, session];
  }
}
