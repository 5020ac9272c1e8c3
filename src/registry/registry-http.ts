/** A server as the source of records: asked again and again, for what is new where it can say that. */
import type { Clock } from "../runtime/clock.ts";
import { Fault } from "../runtime/fault.ts";
import { giveWay } from "../runtime/give-way.ts";
import type { Feed } from "./feed.ts";
import type { FeedChoice } from "./feed-choice.ts";
import { type FeedCredentials, type FeedReply, getFeed } from "./http-feed.ts";
import { milledLines } from "./milled-lines.ts";
import { maxLineBytes, splitLines } from "./read-lines.ts";
import type { RecordMill } from "./record-mill.ts";
import type { RecordValidator } from "./record-validator.ts";
import type { Registry } from "./registry.ts";
import type { SyncEvent } from "./sync.ts";
import { SyncSession } from "./sync-session.ts";
import { toSyncEvent } from "./to-sync-event.ts";

/** Where records come from. */
export interface RegistryHttpOptions extends Pick<FeedChoice, "kinds" | "origin" | "tenants"> {
  readonly name: string;
  readonly url: URL;
  readonly clock: Clock;
  readonly validate: RecordValidator;
  /** Where the records of large answers are read; absent: here. */
  readonly mill?: RecordMill | undefined;
  /** Pause between two looks, and longest pause while the server fails, milliseconds. */
  readonly pollMs: number;
  readonly backoffMs: number;
  /** Longest silence of the server, milliseconds. */
  readonly silenceMs: number;
  readonly maxLostShare: number;
  /** Read for each question, so that they may be renewed. */
  credentials(): Promise<FeedCredentials>;
  /** Evenly spread in [0, 1). */
  readonly random: () => number;
}

/** Revisions of a server that names none: our own, of the moment at which it was asked. */
const ownEpoch = "http";
/** Most pages of one answer. */
const maxPages = 100_000;

/** Asks until it is disposed of. What cannot be used leaves the records in force, ageing, with the fault in the status. */
export class RegistryHttp implements AsyncDisposable {
  readonly #options: RegistryHttpOptions;
  readonly #feed: Feed;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #wake = (): void => {};
  #failures = 0;
  /** Of the snapshot in force. */
  #etag = "";
  /** The server went back behind what is in force: its changes lead from another state, so that only all of it counts. */
  #strayed = false;

  constructor(registry: Registry, options: RegistryHttpOptions) {
    this.#options = options;
    const { kinds, name, origin, tenants } = options;
    this.#feed = registry.feed(name, {
      kinds,
      origin,
      tenants,
      confirm: () => this.#wake(),
    });
  }

  /** Asks from now on. */
  start(): void {
    this.#running = this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.#feed[Symbol.asyncDispose]();
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      let pauseMs: number;
      try {
        await this.#look();
        this.#failures = 0;
        pauseMs = this.#options.pollMs * (0.75 + this.#options.random() / 2);
      } catch (thrown) {
        this.#feed.failed(Fault.from(thrown, "source_unavailable", "the server cannot be asked"));
        pauseMs = this.#backoff(thrown);
      }
      await this.#pause(pauseMs);
    }
  }

  /** Full jitter, so that many nodes do not come back at once; a server that says when to come back is obeyed. */
  #backoff(thrown: unknown): number {
    const { backoffMs, pollMs, random } = this.#options;
    this.#failures++;
    const told = thrown instanceof Fault && thrown.cause instanceof RetryAfter ? thrown.cause.ms : 0;
    return Math.max(told, pollMs / 4, random() * Math.min(backoffMs, pollMs * 2 ** this.#failures));
  }

  async #look(): Promise<void> {
    const { clock } = this.#options;
    const { position } = this.#feed;
    const [asOfMs, as_of] = [clock.monotonicMs(), clock.now()];
    if (position !== undefined && position.epoch !== ownEpoch && !this.#strayed) {
      const url = new URL(this.#options.url);
      url.searchParams.set("since", String(position.revision));
      url.searchParams.set("epoch", position.epoch);
      const reply = await this.#get(url);
      if (reply.status === 204 || reply.status === 304) return this.#feed.bookmark(asOfMs);
      if (reply.status === 200 && reply.header("sallyport-epoch") === position.epoch)
        return this.#deltas(reply, url, position.epoch, as_of);
      await drop(reply);
      // The token is expired, or of another life of the server: only all of it will do.
      if (reply.status !== 200 && reply.status !== 410) throw refused(reply);
      this.#feed.resynced(reply.status === 410 ? "expired" : "snapshot_needed");
      this.#etag = "";
    }
    const reply = await this.#get(this.#options.url, this.#feed.synced && !this.#strayed ? this.#etag : "");
    if (reply.status === 304) return this.#feed.bookmark(asOfMs);
    if (reply.status !== 200) {
      await drop(reply);
      throw refused(reply);
    }
    try {
      await this.#snapshot(reply);
    } finally {
      // One that is older than what is in force was not even read.
      await drop(reply);
    }
  }

  async #deltas(first: FeedReply, url: URL, epoch: string, as_of: number): Promise<void> {
    const revision = revisionOf(first);
    await this.#inSession(epoch, async (take) => {
      for await (const event of this.#events(first, url, epoch)) await take(event);
      await take({ type: "bookmark", revision, as_of });
    });
  }

  async #snapshot(first: FeedReply): Promise<void> {
    const named = first.header("sallyport-epoch");
    const epoch = named === "" ? ownEpoch : named;
    const own = Math.max(this.#options.clock.wallMs(), (this.#feed.position?.revision ?? 0) + 1);
    const revision = named === "" ? own : revisionOf(first);
    const etag = first.header("etag");
    await this.#inSession(epoch, async (take) => {
      let end: SyncEvent | undefined;
      let count = 0;
      await take({ type: "begin_snapshot", revision });
      for await (const event of this.#events(first, this.#options.url, named)) {
        if (end !== undefined) throw broken("sends records after the end of its snapshot");
        if (event.type === "end_snapshot") end = event.count < 0 ? { ...event, count } : event;
        else {
          count++;
          await take(event);
        }
      }
      await take(end ?? { type: "end_snapshot", count, checksum: "" });
    });
    this.#etag = etag;
    this.#strayed = false;
  }

  /** Events of all pages. Each page must be of the same state as the first. */
  async *#events(first: FeedReply, from: URL, epoch: string): AsyncGenerator<SyncEvent> {
    const revision = first.header("sallyport-revision");
    const { mill } = this.#options;
    let page = first;
    let url = from;
    for (let number = 1; ; number++) {
      for await (const { entries, lines } of milledLines(splitLines(lineByLine(page.body)), mill)) {
        for (const [index, line] of lines.entries()) {
          const event = toSyncEvent(line, entries?.[index]);
          if (event !== undefined) yield event;
        }
        await giveWay();
      }
      const next = nextPage(page.header("link"), url);
      if (next === undefined) return;
      if (number >= maxPages) throw broken(`has more than ${maxPages} pages`);
      url = next;
      page = await this.#get(next);
      const same = page.header("sallyport-revision") === revision && page.header("sallyport-epoch") === epoch;
      if (page.status === 200 && same) continue;
      await drop(page);
      if (page.status !== 200) throw refused(page);
      throw broken("changed between two pages; it is asked again");
    }
  }

  async #inSession(
    epoch: string,
    say: (take: (event: SyncEvent) => Promise<void>) => Promise<void>,
  ): Promise<void> {
    const { clock, maxLostShare, validate } = this.#options;
    let told: Fault | undefined;
    const session = new SyncSession({
      feed: this.#feed,
      validate,
      clock,
      epoch,
      maxLostShare,
      reply: (reply) => {
        if (reply.type !== "resync") return;
        this.#strayed ||= reply.reason === "backwards";
        told ??= new Fault("snapshot_refused", reply.detail);
      },
    });
    try {
      await say(async (event) => {
        await session.take(event);
      });
    } finally {
      await session[Symbol.asyncDispose]();
    }
    if (told !== undefined) throw told;
  }

  async #get(url: URL, etag = ""): Promise<FeedReply> {
    const { silenceMs } = this.#options;
    const headers: Record<string, string> = etag === "" ? {} : { "if-none-match": etag };
    return getFeed({
      url,
      headers,
      silenceMs,
      signal: this.#stop.signal,
      ...(await this.#options.credentials()),
    });
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#stop.signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#wake = done;
      this.#stop.signal.addEventListener("abort", done);
      if (this.#stop.signal.aborted) done();
    });
  }
}

/** How long a server asks to be left alone. */
class RetryAfter {
  readonly ms: number;
  constructor(seconds: string) {
    const value = Number(seconds);
    this.ms = Number.isFinite(value) ? Math.min(Math.max(0, value), 3600) * 1000 : 0;
  }
}

const broken = (message: string): Fault => new Fault("source_unavailable", `the server ${message}`);

function refused(reply: FeedReply): Fault {
  const cause = new RetryAfter(reply.header("retry-after"));
  return new Fault("source_unavailable", `the server answers with HTTP status ${reply.status}`, { cause });
}

function revisionOf(reply: FeedReply): number {
  const revision = Number(reply.header("sallyport-revision"));
  if (Number.isSafeInteger(revision) && revision >= 0 && reply.header("sallyport-revision") !== "")
    return revision;
  throw broken("names an epoch, and no `Sallyport-Revision` of its answer");
}

/** RFC 8288. Another origin is not followed: it would be given our credentials. */
function nextPage(link: string, from: URL): URL | undefined {
  const target = /<([^>]*)>\s*;[^,]*\brel="?next"?/.exec(link)?.[1];
  if (target === undefined) return undefined;
  const url = new URL(target, from);
  if (url.origin === from.origin) return url;
  throw broken("sends us to another origin for its next page, which is not followed");
}

/** A line without end is given up where it is too long already, not where it ends. */
async function* lineByLine(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let length = 0;
  for await (const chunk of body) {
    const end = chunk.lastIndexOf(10);
    length = end === -1 ? length + chunk.length : chunk.length - end - 1;
    yield chunk;
    if (length > maxLineBytes) throw broken("sends a line that is longer than 1 MiB");
  }
}

async function drop(reply: FeedReply): Promise<void> {
  for await (const _ of reply.body) break;
}
