/** A snapshot that a source is sending: its records on their way into the feed, in order. */
import { createHash } from "node:crypto";
import { Fault } from "../runtime/fault.ts";
import { giveWay } from "../runtime/give-way.ts";
import type { SnapshotResult, SnapshotSink } from "./feed.ts";
import { parseUpsert, type Upsert } from "./parse-upsert.ts";
import { millBatch, type RecordMill } from "./record-mill.ts";
import { RecordTexts } from "./record-texts.ts";
import type { RecordValidator, Validated } from "./record-validator.ts";
import type { SyncReply } from "./sync.ts";

/** Records that are read here before the mill is asked: most snapshots are small. */
const smallSnapshot = 512;
/** Records that are entered before others may run: some half a millisecond. */
const entersAtOnce = 32;
/** Batches in the mill at most: enough that it never waits. */
const mostGrinding = 6;

/** Parts of a snapshot. */
export interface OpenSnapshotParts {
  readonly revision: number;
  readonly validate: RecordValidator;
  readonly mill: RecordMill | undefined;
  readonly reply: (reply: SyncReply) => void;
}

type Fill = (sink: SnapshotSink) => Promise<{ readonly trailer: boolean }>;

interface Grinding {
  readonly events: readonly Upsert[];
  readonly entries: Promise<readonly Validated[]>;
}

/** From its beginning to its end. */
export class OpenSnapshot {
  readonly revision: number;
  /** What became of it. */
  readonly result: Promise<SnapshotResult>;
  readonly #parts: OpenSnapshotParts;
  readonly #sink: SnapshotSink;
  readonly #finish: (fault?: Fault) => void;
  readonly #hash = createHash("sha256");
  #count = 0;
  /** Records that the feed was given. */
  #put = 0;
  /** Not in the mill yet. */
  #collected: Upsert[] = [];
  #texts = new RecordTexts(millBatch);
  /** In the mill, the oldest first. */
  readonly #grinding: Grinding[] = [];

  private constructor(
    parts: OpenSnapshotParts,
    sink: SnapshotSink,
    result: Promise<SnapshotResult>,
    finish: (fault?: Fault) => void,
  ) {
    this.revision = parts.revision;
    this.result = result;
    this.#parts = parts;
    this.#sink = sink;
    this.#finish = finish;
  }

  /** Opens it in a feed: `into` is {@link Feed.snapshot} with its options. Rejects where it cannot even begin. */
  static async begin(
    parts: OpenSnapshotParts,
    into: (fill: Fill) => Promise<SnapshotResult>,
  ): Promise<OpenSnapshot> {
    let finish = (_fault?: Fault): void => {};
    const ended = new Promise<{ trailer: boolean }>((resolve, reject) => {
      finish = (fault) => (fault === undefined ? resolve({ trailer: true }) : reject(fault));
    });
    ended.catch(() => undefined);
    let opened = (_sink: SnapshotSink): void => {};
    const opening = new Promise<SnapshotSink>((resolve) => (opened = resolve));
    const result = into((sink) => {
      opened(sink);
      return ended;
    });
    result.catch(() => undefined);
    // Where the snapshot cannot even begin, its result says why.
    const sink = await Promise.race([opening, result.then(() => opening)]);
    return new OpenSnapshot(parts, sink, result, finish);
  }

  /** Takes one record; await it where it is a promise. */
  take(event: Upsert): Promise<void> | undefined {
    this.#count++;
    const { mill, validate } = this.#parts;
    if (mill === undefined || this.#count <= smallSnapshot) {
      this.#hash.update(`${event.record}\n`);
      return this.#enter(event, mill === undefined ? parseUpsert(event, validate) : mill.read(event));
    }
    this.#collected.push(event);
    this.#texts.add(event.record);
    return this.#collected.length < millBatch ? undefined : this.#grind(mill, mostGrinding);
  }

  /** Resolves when all that was taken is in the feed. */
  async settle(): Promise<void> {
    if (this.#parts.mill !== undefined) await this.#grind(this.#parts.mill, 0);
  }

  /** It is complete, if it is what its end says; see {@link result}. `checksum`: empty where none is given. */
  end(count: number, checksum: string): void {
    const wrong =
      count !== this.#count
        ? `it has ${this.#count} records where its end says ${count}`
        : checksum !== "" && checksum !== `sha256:${this.#hash.digest("hex")}`
          ? "its content differs from the checksum at its end"
          : undefined;
    this.#finish(
      wrong === undefined
        ? undefined
        : new Fault("snapshot_refused", `the snapshot is not applied: ${wrong}`),
    );
  }

  /** It will not be complete. */
  fail(fault: Fault): void {
    this.#finish(fault);
  }

  #enter(event: Upsert, entry: Validated): Promise<void> | undefined {
    const version = event.version || event.revision || this.revision;
    const reason = this.#sink.put(entry, ++this.#put, version);
    if (reason !== undefined)
      this.#parts.reply({ type: "nack", revision: event.revision, key: entry.key ?? "", reason });
    return this.#sink.flush();
  }

  /** Sends what is collected to the mill, and enters what comes back, until no more than `most` batches are there. */
  async #grind(mill: RecordMill, most: number): Promise<void> {
    const [events, texts] = [this.#collected, this.#texts];
    if (events.length > 0) {
      this.#collected = [];
      this.#texts = new RecordTexts(millBatch);
      this.#hash.update(texts.bytes);
      this.#grinding.push({ events, entries: mill.grind(events, texts) });
    }
    while (this.#grinding.length > most) {
      const { entries, events: ground } = this.#grinding.shift() as Grinding;
      for (const [index, entry] of (await entries).entries()) {
        const writing = this.#enter(ground[index] as Upsert, entry);
        if (writing !== undefined) await writing;
        // Promises alone would let nobody else run: not the mill's answers, nor an override.
        if (index % entersAtOnce === entersAtOnce - 1) await giveWay();
      }
      await giveWay();
    }
  }
}
