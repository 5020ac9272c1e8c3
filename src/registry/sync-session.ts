/** One connection of a source: its events in order, turned into snapshots, deltas and bookmarks of its feed. */
import type { Clock } from "../runtime/clock.ts";
import { Fault } from "../runtime/fault.ts";
import { Agreement } from "./agreement.ts";
import type { BucketDigest } from "./bucket-digest.ts";
import { BucketRepair } from "./bucket-repair.ts";
import { checkPosition } from "./check-position.ts";
import type { Delta } from "./delta-batch.ts";
import type { Feed } from "./feed.ts";
import { OpenSnapshot } from "./open-snapshot.ts";
import { parseUpsert, type Upsert } from "./parse-upsert.ts";
import { readRecordKey } from "./read-record-key.ts";
import type { RecordMill } from "./record-mill.ts";
import type { RecordValidator, Validated } from "./record-validator.ts";
import type { ResyncReason, SyncEvent, SyncReply } from "./sync.ts";
import { tellRejected } from "./tell-rejected.ts";

/** Parts of a session. */
export interface SyncSessionOptions {
  readonly feed: Feed;
  readonly validate: RecordValidator;
  /** Where the records of large snapshots are read; absent: here. */
  readonly mill?: RecordMill | undefined;
  readonly clock: Clock;
  /** Epoch of the source's revisions now. */
  readonly epoch: string;
  readonly maxLostShare: number;
  readonly reply: (reply: SyncReply) => void;
  /** Milliseconds for which an open snapshot may be silent: others wait for its end. Default 30,000. */
  readonly idleMs?: number;
  /** Records of a snapshot at most: others wait for its end. Default 20 million. */
  readonly mostRecords?: number;
}

/** Deltas that are put in force in one step. */
const batchSize = 1024;
/** Takes events one after another: await each. What it rejects with ends the session. */
export class SyncSession implements AsyncDisposable {
  readonly #options: SyncSessionOptions;
  #batch: Delta[] = [];
  #revisions: number[] = [];
  /** Deltas that are being put in force. */
  #applying: Promise<void> | undefined;
  #snapshot: OpenSnapshot | undefined;
  /** Entries of the snapshot. */
  #entries = 0;
  /** A bucket that is sent again. */
  #repair: BucketRepair | undefined;
  #idle: NodeJS.Timeout | undefined;
  readonly #agreement = new Agreement();
  /** Whether deltas count: what is in force is of this epoch, nothing is missing, and the source did not go back. */
  #state: "live" | "lost" | "gapped" | "strayed";
  /** Revision of the last event that was taken. */
  #last: number;
  #asOf = Number.NEGATIVE_INFINITY;
  /** Whether the source was told to begin again and has not yet. */
  #told = false;

  constructor(options: SyncSessionOptions) {
    this.#options = options;
    const { position } = options.feed;
    this.#state = position?.epoch === options.epoch ? "live" : "lost";
    this.#last = this.#state === "live" ? (position?.revision ?? 0) : 0;
  }

  /** Revision from which the source may go on; `undefined`: it must send a snapshot. */
  get resume(): number | undefined {
    return this.#state === "live" ? this.#last : undefined;
  }

  /** Whether something was taken that is not in force yet. */
  get pending(): boolean {
    return this.#batch.length > 0 || this.#applying !== undefined;
  }

  /** Takes one event; await it where it is a promise. Rejects or throws `record_invalid`, `store_unavailable`. */
  take(event: SyncEvent): Promise<void> | undefined {
    const opened = this.#snapshot !== undefined || this.#repair !== undefined;
    if ("revision" in event) checkPosition(event, this.#state === "live" && !opened);
    switch (event.type) {
      case "begin_snapshot":
        return this.#begin(event.revision);
      case "upsert":
      case "delete":
        if (this.#repair !== undefined) return this.#repair.take(event, this.#options.validate);
        return this.#snapshot === undefined ? this.#delta(event) : this.#entry(this.#snapshot, event);
      case "end_snapshot":
        return this.#end(event.count, event.checksum);
      case "bookmark":
        return this.#bookmark(event.revision, event.as_of, event.digests ?? []);
      case "begin_bucket":
        return this.#beginBucket(event);
      case "end_bucket":
        return this.#endBucket(event.count);
      default:
        return event satisfies never;
    }
  }

  /** Puts what was taken in force and acknowledges it. */
  async flush(): Promise<void> {
    await this.#handOver();
    await this.#applied();
  }

  /** Begins to put what was taken in force, after what came before it: the next deltas are read meanwhile. */
  async #handOver(): Promise<void> {
    await this.#applied();
    if (this.#batch.length === 0) return;
    const [batch, revisions] = [this.#batch, this.#revisions];
    this.#batch = [];
    this.#revisions = [];
    this.#applying = this.#apply(batch, revisions, this.#last);
    // A failure is told by whoever waits next.
    this.#applying.catch(() => undefined);
  }

  async #applied(): Promise<void> {
    const applying = this.#applying;
    this.#applying = undefined;
    await applying;
  }

  async #apply(batch: readonly Delta[], revisions: readonly number[], revision: number): Promise<void> {
    const { epoch, feed, reply } = this.#options;
    const outcomes = await feed.apply(batch, { epoch, revision });
    tellRejected(batch, outcomes, revisions, reply);
    reply({ type: "ack", revision });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#idle);
    const open = this.#snapshot;
    this.#snapshot = undefined;
    open?.fail(new Fault("source_unavailable", "the source ended in the middle of its snapshot"));
    await open?.result.catch(() => undefined);
    await this.flush();
  }

  async #begin(revision: number): Promise<void> {
    const { clock, epoch, feed, maxLostShare, mill, reply, validate } = this.#options;
    this.#told = false;
    this.#repair = undefined;
    if (this.#state !== "lost" && revision < this.#last)
      throw new Fault(
        "snapshot_refused",
        `a snapshot of revision ${revision} is older than what is in force, ${this.#last}`,
      );
    this.#entries = 0;
    const before = this.#snapshot;
    this.#snapshot = undefined;
    before?.fail(new Fault("source_unavailable", "the source began its snapshot anew"));
    await before?.result.catch(() => undefined);
    await this.#applied();
    // Deltas that came before are part of what the snapshot replaces.
    this.#batch = [];
    this.#revisions = [];
    this.#snapshot = await OpenSnapshot.begin({ mill, reply, validate, revision }, (fill) =>
      feed.snapshot({ asOfMs: clock.monotonicMs(), maxLostShare, position: { epoch, revision } }, fill),
    );
    this.#watchIdle();
  }

  /** No promise but where something is written: a snapshot is a million of these. */
  #entry(open: OpenSnapshot, event: SyncEvent & { type: "upsert" | "delete" }): Promise<void> | undefined {
    this.#idle?.refresh();
    const { mostRecords = 20_000_000 } = this.#options;
    if (++this.#entries > mostRecords)
      throw new Fault("snapshot_refused", `a snapshot has more than ${mostRecords} records`);
    return event.type === "delete" ? undefined : open.take(event);
  }

  async #end(count: number, checksum: string): Promise<void> {
    const open = this.#snapshot;
    if (open === undefined) return;
    clearTimeout(this.#idle);
    await open.settle();
    this.#snapshot = undefined;
    open.end(count, checksum);
    try {
      await open.result;
    } catch (thrown) {
      const fault = Fault.from(thrown, "source_unavailable", "cannot apply the snapshot");
      if (fault.code !== "snapshot_refused") throw fault;
      this.#resync("refused", fault.message);
      return;
    }
    this.#state = "live";
    this.#last = open.revision;
    this.#options.reply({ type: "ack", revision: open.revision });
  }

  #delta(event: SyncEvent & { type: "upsert" | "delete" }): Promise<void> | undefined {
    const { prev = 0, revision, version } = event;
    if (this.#state === "lost") {
      this.#resync("snapshot_needed", "nothing of this epoch is in force: send a snapshot");
      return undefined;
    }
    if (this.#state === "gapped" && prev > 0 && prev === this.#last) {
      this.#state = "live";
      this.#told = false;
    }
    if (this.#state !== "live") return undefined;
    // What was sent before is judged by its version; what is missing stops the feed.
    if (prev > this.#last) return this.#gap(prev);
    this.#last = Math.max(this.#last, revision);
    const at = version || revision;
    this.#batch.push(
      event.type === "delete"
        ? { act: "delete", key: readRecordKey(event.key), version: at }
        : { act: "upsert", entry: this.#read(event), version: at },
    );
    this.#revisions.push(revision);
    return this.#batch.length >= batchSize ? this.#handOver() : undefined;
  }

  #read(event: Upsert): Validated {
    const { mill, validate } = this.#options;
    return mill === undefined ? parseUpsert(event, validate) : mill.read(event);
  }

  async #gap(prev: number): Promise<void> {
    await this.flush();
    this.#state = "gapped";
    this.#options.feed.counters.gaps++;
    this.#resync("gap", `the changes after ${this.#last} up to ${prev} are missing`);
  }

  async #beginBucket({ bucket, revision, tenant }: SyncEvent & { type: "begin_bucket" }): Promise<void> {
    if (this.#snapshot !== undefined || this.#state !== "live") return;
    await this.flush();
    this.#repair = new BucketRepair(tenant, bucket, revision);
  }

  async #endBucket(count: number): Promise<void> {
    const repair = this.#repair;
    if (repair === undefined) return;
    this.#repair = undefined;
    const { epoch, feed, reply } = this.#options;
    const [held] = await feed.buckets([repair]);
    const deltas = repair.deltas(count, held?.entries ?? []);
    if (deltas === undefined) return;
    const outcomes = await feed.apply(deltas, { epoch, revision: this.#last });
    tellRejected(deltas, outcomes, [], reply);
    reply({ type: "ack", revision: this.#last });
  }

  async #bookmark(revision: number, asOf: number, digests: readonly BucketDigest[]): Promise<void> {
    if (this.#snapshot !== undefined) return void this.#idle?.refresh();
    await this.flush();
    const { clock, feed, reply } = this.#options;
    if (this.#state === "lost")
      return this.#resync("snapshot_needed", "nothing of this epoch is in force: send a snapshot");
    if (this.#state !== "live") return;
    if (revision < this.#last) {
      this.#state = "strayed";
      return this.#resync("backwards", `revision ${revision} comes after ${this.#last}`);
    }
    if (revision > this.#last) {
      this.#state = "gapped";
      feed.counters.gaps++;
      return this.#resync("gap", `the changes after ${this.#last} up to ${revision} are missing`);
    }
    if (asOf < this.#asOf) feed.clockWentBack(asOf, this.#asOf);
    this.#asOf = Math.max(asOf, this.#asOf);
    // A frozen row behind a fresh maximum: until it is mended nothing here is fresh (SYN-12).
    if (digests.length > 0 && !(await this.#agreement.with(digests, feed, reply))) return;
    // Bounded by our own time of receipt; the age never shrinks by a clock that was set back (SYN-18).
    await feed.bookmark(clock.monotonicMs() - Math.max(0, clock.now() - asOf) * 1000);
    reply({ type: "ack", revision });
  }

  #resync(reason: ResyncReason, detail: string): void {
    if (this.#told) return;
    this.#told = true;
    // What it was sending is not gone on with: it begins again.
    this.#repair = undefined;
    const { feed, reply } = this.#options;
    feed.resynced(reason);
    reply({ type: "resync", reason, from: this.#state === "lost" ? 0 : this.#last, detail });
  }

  #watchIdle(): void {
    clearTimeout(this.#idle);
    const open = this.#snapshot;
    const stalled = (): void => open?.fail(new Fault("source_unavailable", "the snapshot stands still"));
    this.#idle = setTimeout(stalled, this.#options.idleMs ?? 30_000);
    this.#idle.unref();
  }
}
