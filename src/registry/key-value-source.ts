/** A key-value bucket as a source of records: one key per record, followed by revision. */
import { isUtf8 } from "node:buffer";
import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../runtime/clock.ts";
import { Fault } from "../runtime/fault.ts";
import type { CaughtUp, KeyValue, KeyValueEntry } from "../runtime/ports.ts";
import type { Feed } from "./feed.ts";
import type { FeedChoice } from "./feed-choice.ts";
import type { RecordMill } from "./record-mill.ts";
import type { RecordValidator } from "./record-validator.ts";
import type { Registry } from "./registry.ts";
import type { SyncEvent } from "./sync.ts";
import { SyncSession } from "./sync-session.ts";

/** How the bucket is followed. */
export interface KeyValueSourceOptions extends Pick<FeedChoice, "kinds" | "origin" | "tenants"> {
  /** Opens the bucket, again after each failure. Keys are those of records (`device:meter-001`), values the records as JSON. */
  readonly open: () => Promise<KeyValue>;
  readonly clock: Clock;
  readonly validate: RecordValidator;
  /** Where the records of large buckets are read; absent: here. */
  readonly mill?: RecordMill | undefined;
  /** Name of the source. Default `nats`. */
  readonly name?: string;
  /** Milliseconds between questions whether anything is missing; each answer renews the watermark. Default 2000. */
  readonly bookmarkMs?: number;
  /** Milliseconds before a bucket that could not be followed is tried again. Default 1000. */
  readonly retryMs?: number;
  /** Largest share of the records that a snapshot may delete or spoil. Default 0.5. */
  readonly maxLostShare?: number;
}

/** Where the bucket is followed. */
interface Place {
  /** Whether what follows are changes, not the snapshot. */
  live: boolean;
  last: number;
  readonly epoch: string;
  /** How many entries the bucket had at a revision. */
  known: { readonly entries: number; readonly revision: number } | undefined;
}

const text = new TextDecoder();

/** Keeps the registry equal to a bucket: resumed by revision, with a snapshot where the bucket is another one. */
export class KeyValueSource implements AsyncDisposable {
  readonly #options: KeyValueSourceOptions;
  readonly #feed: Feed;
  readonly #ending = new AbortController();
  readonly #running: Promise<void>;
  /** Records of this source that are in force: no bucket that they came from keeps fewer entries. */
  readonly #held: () => number;
  /** Something was removed from the bucket without a write, or it went back: only all of it can be trusted. */
  #mustSnapshot = false;
  /** Calls of the session, one after another. */
  #turn: Promise<void> = Promise.resolve();

  constructor(registry: Registry, options: KeyValueSourceOptions) {
    this.#options = options;
    const { kinds, name = "nats", origin, tenants } = options;
    this.#feed = registry.feed(name, { kinds, origin, tenants });
    this.#held = () => {
      const told = registry.status().sources.find((source) => source.name === name);
      const counts = Object.values(told?.counts ?? {}).flatMap((states) => Object.values(states));
      return counts.reduce((sum, count) => sum + count, 0);
    };
    this.#running = this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.#running;
    await this.#feed[Symbol.asyncDispose]();
  }

  async #run(): Promise<void> {
    while (!this.#ending.signal.aborted) {
      try {
        await this.#follow();
      } catch (thrown) {
        this.#feed.failed(Fault.from(thrown, "source_unavailable", "cannot follow the bucket"));
      }
      await sleep(this.#options.retryMs ?? 1000, undefined, { signal: this.#ending.signal }).catch(() => {});
    }
  }

  async #follow(): Promise<void> {
    const { clock, maxLostShare = 0.5, mill, open, validate } = this.#options;
    const bucket = await open();
    const { entries, epoch, revision } = await bucket.state();
    let refused: Fault | undefined;
    const stopped = new AbortController();
    const stop = (): void => stopped.abort();
    this.#ending.signal.addEventListener("abort", stop);
    const session = new SyncSession({
      feed: this.#feed,
      validate,
      mill,
      clock,
      epoch,
      maxLostShare,
      reply: (reply) => {
        if (reply.type !== "resync") return;
        refused = new Fault("snapshot_refused", reply.detail);
        stop();
      },
    });
    // A bucket that is behind what we hold was put back: only all of it can be trusted.
    this.#mustSnapshot ||= entries < this.#held() || (session.resume ?? 0) > revision;
    const resume = this.#mustSnapshot ? undefined : session.resume;
    const place: Place = { live: resume !== undefined, last: resume ?? revision, epoch, known: undefined };
    const bookmarks = this.#bookmarks(bucket, session, place, stopped);
    try {
      if (resume === undefined) await session.take({ type: "begin_snapshot", revision });
      const from = resume === undefined ? {} : { from: resume + 1 };
      await this.#take(session, place, bucket.watch({ ...from, signal: stopped.signal }));
      if (refused !== undefined) throw refused;
    } finally {
      stop();
      this.#ending.signal.removeEventListener("abort", stop);
      await bookmarks;
      await session[Symbol.asyncDispose]();
    }
  }

  async #take(
    session: SyncSession,
    place: Place,
    entries: AsyncIterable<KeyValueEntry | CaughtUp>,
  ): Promise<void> {
    let count = 0;
    for await (const entry of entries) {
      await this.#inTurn(async () => {
        if (entry === "caught_up") {
          if (!place.live) await session.take({ type: "end_snapshot", count, checksum: "" });
          place.live = true;
          this.#mustSnapshot = false;
          await session.flush();
          return;
        }
        if (!place.live && entry.value !== undefined) count++;
        await session.take(toEvent(entry));
        if (!place.live) return;
        place.last = Math.max(place.last, entry.revision);
        await session.flush();
      });
    }
  }

  /** Asks the bucket again and again whether anything is missing here. */
  async #bookmarks(
    bucket: KeyValue,
    session: SyncSession,
    place: Place,
    stopped: AbortController,
  ): Promise<void> {
    const { bookmarkMs = 2000, clock } = this.#options;
    const { signal } = stopped;
    while (!signal.aborted) {
      await sleep(bookmarkMs, undefined, { signal }).catch(() => {});
      if (signal.aborted || !place.live) continue;
      const as_of = clock.now();
      try {
        const { entries, epoch, revision } = await bucket.state();
        const { known } = place;
        if (known?.revision === revision && entries < known.entries) this.#mustSnapshot = true;
        if (epoch === place.epoch && revision < place.last) this.#mustSnapshot = true;
        place.known = { entries, revision };
        if (this.#mustSnapshot || epoch !== place.epoch) stopped.abort();
        else if (revision === place.last)
          await this.#inTurn(() => session.take({ type: "bookmark", revision, as_of }));
      } catch (thrown) {
        this.#feed.failed(Fault.from(thrown, "source_unavailable", "cannot ask the bucket"));
      }
    }
  }

  #inTurn(action: () => Promise<void> | undefined): Promise<void> {
    const done = this.#turn.then(action);
    this.#turn = done.catch(() => {});
    return done;
  }
}

function toEvent({ key, revision, value }: KeyValueEntry): SyncEvent {
  if (value === undefined) return { type: "delete", key, revision };
  const kind = key.slice(0, Math.max(0, key.indexOf(":")));
  // What is no text is no record: nothing is guessed of it.
  const record = isUtf8(value) ? text.decode(value) : "";
  return { type: "upsert", kind, key, record, revision };
}
