/** Overrides and duties of all nodes: kept equal over a bucket that they share. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Override } from "../decision/override.ts";
import type { Clock } from "../runtime/clock.ts";
import { Fault } from "../runtime/fault.ts";
import type { CaughtUp, KeyValue, KeyValueEntry } from "../runtime/ports.ts";
import type { DutyLedger } from "./duty-ledger.ts";
import { learnShared } from "./learn-shared.ts";
import { NodeRoll, type NodeStanding } from "./node-roll.ts";
import type { Overrides } from "./overrides.ts";
import { putMark, putNew, shareEverything } from "./share-entry.ts";
import {
  type Ended,
  keyOf,
  type PlaneStatus,
  readShared,
  type Shared,
  sharedText,
} from "./shared-override.ts";
import { SourceAge } from "./source-status.ts";
import { WakeUps } from "./wake-ups.ts";

/** Parts of the plane. */
export interface OverridePlaneOptions {
  /** Opens the bucket, again after each failure. */
  readonly open: () => Promise<KeyValue>;
  readonly overrides: Overrides;
  readonly ledger: DutyLedger;
  readonly clock: Clock;
  /** Past this age nothing is decided any more but containment, in seconds. */
  readonly hardS: number;
  /** Past this age no leases are granted, in seconds. */
  readonly nodeLeaseS: number;
  /** Longest lease of an attached client, seconds. */
  readonly leaseS: number;
  /** Milliseconds between questions whether anything is missing. Default 1000. */
  readonly bookmarkMs?: number;
  /** Milliseconds before a bucket that could not be followed is tried again. Default 1000. */
  readonly retryMs?: number;
  /** Milliseconds that an act waits to be shared. Default 2000. */
  readonly shareMs?: number;
}

/**
 * Every node holds all of it. What restricts is in force here first and shared then; what gives trust back is shared
 * first and in force here when it comes back. Entries only grow more final (set, then ended; marks only later), so that
 * nodes agree in whatever order they hear.
 */
export class OverridePlane implements AsyncDisposable {
  readonly #options: OverridePlaneOptions;
  readonly #age: SourceAge;
  readonly #roll: NodeRoll;
  readonly #ending = new AbortController();
  readonly #running: Promise<void>;
  #bucket: KeyValue | undefined;
  #fault: Fault | undefined;
  /** Entries of the bucket as they were last heard. */
  readonly #heard = new Map<string, Shared>();
  /** Revisions at which they were. */
  readonly #revisions = new Map<string, number>();
  readonly #wakeUps = new WakeUps();
  readonly #leaving: (() => void)[] = [];
  /** Whether something may be in force here that the others have not been told. */
  #unshared = false;
  #sharing: NodeJS.Timeout | undefined;
  #rememberedMs = Number.NEGATIVE_INFINITY;

  constructor(options: OverridePlaneOptions) {
    this.#options = options;
    this.#age = new SourceAge(options.clock);
    const heardAt = options.overrides.heardAt;
    if (heardAt !== undefined) this.#age.resume(heardAt);
    const { clock, hardS, leaseS, nodeLeaseS, overrides } = options;
    this.#roll = new NodeRoll({ node: overrides.node, clock, hardS, nodeLeaseS, leaseS });
    for (const changing of [overrides, options.ledger])
      this.#leaving.push(changing.onChange(() => this.#shareSoon()));
    this.#running = this.#run();
  }

  /** Seconds since this node has known everything that others did; never heard: the age of the epoch. */
  get ageS(): number {
    return this.#age.ageS();
  }

  /** The same, and what is wrong. */
  status(): PlaneStatus {
    const { ageS } = this;
    return this.#fault === undefined ? { ageS } : { ageS, fault: this.#fault };
  }

  /** Age that decisions count: past the hard limit, older than any. */
  get lagS(): number {
    const { clock, hardS } = this.#options;
    return this.ageS > hardS ? clock.now() : this.ageS;
  }

  /** Whether clients may still trust what they remember without hearing. */
  get grantsLeases(): boolean {
    return this.ageS <= this.#options.nodeLeaseS;
  }

  /** Why nothing may be decided; `undefined`: the plane is not too old. */
  get missing(): string | undefined {
    const { hardS } = this.#options;
    if (this.ageS <= hardS) return undefined;
    const why = this.#fault === undefined ? "" : ` (${this.#fault.message})`;
    return `the overrides of other nodes were not heard for more than ${hardS} s${why}`;
  }

  /** Shares an override that is in force here. `false`: this node alone has it, until it reaches the others. */
  async share(override: Override): Promise<boolean> {
    return this.#inTime((bucket) => putNew(bucket, this.#heard, { is: "set", override }));
  }

  /** Ends an override for all nodes. Rejects with `unreachable` where they cannot be told: trust waits. */
  async lift(override: Override, ended: Omit<Ended, "is" | "id">, mark: number | undefined): Promise<void> {
    const { id, target } = override;
    const bucket = this.#bucket;
    if (bucket === undefined || !this.grantsLeases)
      throw new Fault("unreachable", "the other nodes cannot be heard: trust is given back when they can");
    if (mark !== undefined) await putMark(bucket, this.#heard, { is: "mark", target, since: mark });
    const entry: Shared = { is: "ended", id, ...ended };
    await bucket.put(keyOf(entry), sharedText(entry));
    const gone = (): boolean => this.#options.overrides.get(id) === undefined;
    await this.#wakeUps.until(gone, this.#options.shareMs ?? 2000);
  }

  /** Spends a claim for all nodes; `false`: somebody had spent it. Rejects with `unreachable`. */
  async spendClaim(fingerprint: string, device: string): Promise<boolean> {
    const bucket = this.#bucket;
    if (bucket === undefined)
      throw new Fault("unreachable", "the other nodes cannot be asked whether a claim is spent");
    const entry: Shared = { is: "claim", fingerprint, device };
    return (await bucket.putIf(keyOf(entry), sharedText(entry), 0)) !== undefined;
  }

  /** Shares a loss of trust that is recorded here. */
  async shareReentry(device: string, since: number): Promise<boolean> {
    return this.#inTime((bucket) => putMark(bucket, this.#heard, { is: "reentry", device, since }));
  }

  /** Where the other nodes stand with overrides: those that act on all of them, and those that do not yet. */
  standing(ids: readonly string[]): readonly NodeStanding[] {
    const at = ids.map((id) => this.#revisions.get(`override:${id}`) ?? Number.POSITIVE_INFINITY);
    return this.#roll.standing(Math.max(0, ...at));
  }

  /** The same once all act, or no client of a silent node may trust what it remembers, or after `mostMs`. */
  async acted(ids: readonly string[], mostMs: number): Promise<readonly NodeStanding[]> {
    const { clock } = this.#options;
    const endMs = clock.monotonicMs() + mostMs;
    for (;;) {
      const nodes = this.standing(ids);
      const open = nodes.some(({ inForce, mayLeaseUntil }) => !inForce && mayLeaseUntil > clock.now());
      if (!open || clock.monotonicMs() >= endMs || this.#ending.signal.aborted) return nodes;
      await sleep(25, undefined, { ref: false });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const leave of this.#leaving) leave();
    clearTimeout(this.#sharing);
    this.#ending.abort();
    await this.#running;
  }

  /** What changes here by itself, by time or for a decision, is shared a moment later. */
  #shareSoon(): void {
    this.#unshared = true;
    this.#sharing ??= setTimeout(() => {
      this.#sharing = undefined;
      const bucket = this.#bucket;
      // What fails is tried again once the bucket answers.
      if (bucket !== undefined) this.#shareAll(bucket).catch(() => {});
    }, this.#options.bookmarkMs ?? 1000);
    this.#sharing.unref();
  }

  async #inTime(action: (bucket: KeyValue) => Promise<void>): Promise<boolean> {
    const bucket = this.#bucket;
    if (bucket === undefined) return false;
    const late = sleep(this.#options.shareMs ?? 2000, false, { ref: false });
    const done = action(bucket).then(
      () => true,
      () => false,
    );
    return Promise.race([done, late]);
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      try {
        await this.#follow();
      } catch (thrown) {
        this.#fault = Fault.from(thrown, "unreachable", "cannot follow the overrides of other nodes");
      }
      this.#bucket = undefined;
      await sleep(this.#options.retryMs ?? 1000, undefined, { signal }).catch(() => {});
    }
  }

  async #follow(): Promise<void> {
    const bucket = await this.#options.open();
    const { epoch } = await bucket.state();
    const stopped = new AbortController();
    const stop = (): void => stopped.abort();
    this.#ending.signal.addEventListener("abort", stop);
    const place = { epoch, last: 0, live: false };
    this.#heard.clear();
    const bookmarks = this.#bookmarks(bucket, place, stopped);
    try {
      for await (const entry of bucket.watch({ signal: stopped.signal }))
        await this.#hear(bucket, entry, place);
    } finally {
      stop();
      this.#ending.signal.removeEventListener("abort", stop);
      await bookmarks;
    }
  }

  async #hear(
    bucket: KeyValue,
    entry: KeyValueEntry | CaughtUp,
    place: { last: number; live: boolean },
  ): Promise<void> {
    if (entry === "caught_up") {
      this.#bucket = bucket;
      await this.#shareAll(bucket);
      await this.#roll.say(bucket);
      place.live = true;
      return;
    }
    const shared = entry.value === undefined ? undefined : readShared(entry.value);
    if (shared?.is === "node") this.#roll.heard(shared);
    else if (shared !== undefined) {
      this.#heard.set(entry.key, shared);
      await learnShared(shared, this.#options);
      this.#revisions.set(entry.key, entry.revision);
      this.#roll.acted(entry.revision);
      // What fails is said with the next bookmark.
      if (place.live) await this.#roll.say(bucket).catch(() => {});
    } else if (this.#heard.delete(entry.key)) this.#shareSoon();
    place.last = Math.max(place.last, entry.revision);
    this.#wakeUps.wake();
  }

  /** What is in force here and nobody has heard of: set while others could not be told, or lost with a bucket. */
  async #shareAll(bucket: KeyValue): Promise<void> {
    const { ledger, overrides } = this.#options;
    this.#unshared = false;
    try {
      await shareEverything(bucket, this.#heard, overrides, ledger);
    } catch (thrown) {
      this.#unshared = true;
      throw thrown;
    }
  }

  /** Asks the bucket again and again whether anything is missing here. */
  async #bookmarks(
    bucket: KeyValue,
    place: { readonly epoch: string; readonly last: number; readonly live: boolean },
    stopped: AbortController,
  ): Promise<void> {
    const { bookmarkMs = 1000, clock } = this.#options;
    const { signal } = stopped;
    while (!signal.aborted) {
      await sleep(place.live ? bookmarkMs : Math.min(bookmarkMs, 50), undefined, { signal }).catch(() => {});
      if (signal.aborted || !place.live) continue;
      const asOfMs = clock.monotonicMs();
      try {
        const { epoch, revision } = await bucket.state();
        if (epoch !== place.epoch || revision < place.last) stopped.abort();
        else if (revision === place.last && this.#roll.isHeard) this.#complete(asOfMs);
        // Afterwards: what is said is one more entry to hear.
        if (this.#roll.due) await this.#roll.say(bucket);
      } catch (thrown) {
        this.#fault = Fault.from(thrown, "unreachable", "cannot ask for the overrides of other nodes");
      }
    }
  }

  #complete(asOfMs: number): void {
    const { clock, overrides } = this.#options;
    this.#fault = undefined;
    this.#age.completeAt(asOfMs);
    if (this.#unshared) this.#shareSoon();
    if (clock.monotonicMs() - this.#rememberedMs < 10_000) return;
    this.#rememberedMs = clock.monotonicMs();
    overrides.remember(this.#age.watermark());
  }
}
