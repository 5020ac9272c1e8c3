/**
 * Reads and checks the records of large snapshots in a thread: what is left to do here is to put them in their place.
 * Results come in the order of the records; whatever happens to the thread, they come.
 */
import { channel } from "node:diagnostics_channel";
import { Worker } from "node:worker_threads";
import type { RecordKey } from "../decision/facts.ts";
import { ownThread } from "../runtime/own-files.ts";
import type { EarVerifierEntry } from "./ear.ts";
import { packUpsert } from "./pack-upsert.ts";
import { parseUpsert, type Upsert } from "./parse-upsert.ts";
import { RecordTexts } from "./record-texts.ts";
import type { RecordValidator, Validated } from "./record-validator.ts";
import { PackedDevice } from "./stored-row.ts";

/** What the thread's validator is made of. */
export interface MillRules {
  readonly verifiers: readonly EarVerifierEntry[];
  readonly signedOnly: boolean;
}

/** Parts of a mill. */
export interface RecordMillOptions extends MillRules {
  /** The validator of this thread, for what is not worth sending; made by the same rules. */
  readonly validate: RecordValidator;
  /** Milliseconds without work after which the thread is ended. Default 10,000. */
  readonly idleMs?: number;
}

/** What the thread is asked for: texts, and which of them are devices for it to read. */
export interface Grist {
  readonly id: number;
  /** See {@link RecordTexts}. */
  readonly bytes: Uint8Array;
  readonly ends: Uint32Array;
  readonly places: Uint32Array;
  /** The key that a record must have, where its source says it. */
  readonly keys: readonly (string | undefined)[];
}

/** What it answers: where each good record ends in `packed`; of those that are wrong, or of which something is to be said, what. */
export interface Flour {
  readonly id: number;
  readonly packed: Uint8Array;
  readonly ends: Uint32Array;
  /** Keys of good records; `undefined`: see `refused`. */
  readonly keys: readonly (RecordKey | undefined)[];
  readonly refused: readonly (readonly [
    number,
    { readonly key: RecordKey | undefined; readonly invalid: string },
  ])[];
  readonly remarks: readonly (readonly [number, string])[];
}

/** Records that are sent at once. */
export const millBatch = 128;
const broken = channel("sallyport:registry:mill-broken");

interface Waiting {
  readonly resolve: (flour: Flour) => void;
  readonly reject: (reason: unknown) => void;
}

/** A thread that starts with the first work, and ends when there is none. */
export class RecordMill implements AsyncDisposable {
  readonly #options: RecordMillOptions;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  /** Whether it has said that it is there. */
  #ready = false;
  #nextId = 1;
  #idle: NodeJS.Timeout | undefined;

  constructor(options: RecordMillOptions) {
    this.#options = options;
  }

  /** Whether the thread is at work: before that, everything is done here. */
  get ready(): boolean {
    return this.#ready;
  }

  /**
   * The records, validated, in their order. `texts`: the same as bytes, where the caller has them; they are the mill's from
   * then on. Never rejects.
   */
  async grind(
    events: readonly Upsert[],
    texts: RecordTexts = textsOf(events),
  ): Promise<readonly Validated[]> {
    this.#start();
    // A thread that is only starting is not waited for.
    if (!this.#ready) return events.map((event) => this.read(event));
    try {
      return merge(events, await this.#ask(events, texts), (event) => this.read(event));
    } catch (thrown) {
      if (broken.hasSubscribers) broken.publish({ error: thrown });
      return events.map((event) => this.read(event));
    }
  }

  /** One record, in this thread. */
  read(event: Upsert): Validated {
    const packed = isForThread(event) ? packUpsert(event, this.#options.signedOnly) : undefined;
    return packed ?? parseUpsert(event, this.#options.validate);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#idle);
    await this.#end(new Error("the mill is closed"));
  }

  #ask(events: readonly Upsert[], { bytes, ends }: RecordTexts): Promise<Flour> {
    const id = this.#nextId++;
    const places = events.flatMap((event, index) => (isForThread(event) ? [index] : []));
    const grist: Grist = {
      id,
      bytes,
      ends: Uint32Array.from(ends),
      places: Uint32Array.from(places),
      keys: places.map((index) => events[index]?.key),
    };
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker?.ref();
      this.#worker?.postMessage(grist, [bytes.buffer as ArrayBuffer]);
    });
  }

  #start(): void {
    clearTimeout(this.#idle);
    if (this.#ready && this.#waiting.size === 0) this.#rest();
    if (this.#worker !== undefined) return;
    const thread = ownThread("registry/record-mill-thread");
    const { signedOnly, verifiers } = this.#options;
    const rules: MillRules = { signedOnly, verifiers };
    const worker = new Worker(thread.file, { ...thread.options, workerData: rules });
    this.#worker = worker;
    worker.unref();
    worker.on("message", (flour: Flour | "ready") => {
      if (flour === "ready") {
        this.#ready = true;
        this.#rest();
        return;
      }
      const waiting = this.#waiting.get(flour.id);
      this.#waiting.delete(flour.id);
      if (this.#waiting.size === 0) {
        worker.unref();
        this.#rest();
      }
      waiting?.resolve(flour);
    });
    worker.on("error", (error) => void this.#end(error));
    worker.on("exit", () => {
      if (this.#worker === worker) void this.#end(new Error("the thread has ended"));
    });
  }

  /** Nothing is to be done now: if that stays so, the thread is ended. */
  #rest(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => {
      if (this.#waiting.size === 0) void this.#end(new Error("the mill stands still"));
    }, this.#options.idleMs ?? 10_000);
    this.#idle.unref();
  }

  async #end(reason: unknown): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    this.#ready = false;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(reason);
    await worker?.terminate();
  }
}

/** Devices are many; what somebody has parsed already is here. */
function isForThread({ kind, value }: Upsert): boolean {
  return kind === "device" && value === undefined;
}

function textsOf(events: readonly Upsert[]): RecordTexts {
  const texts = new RecordTexts(events.length);
  for (const { record } of events) texts.add(record);
  return texts;
}

function merge(
  events: readonly Upsert[],
  { ends, keys, packed, refused, remarks }: Flour,
  here: (event: Upsert) => Validated,
): readonly Validated[] {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
  const wrong = new Map(refused);
  const said = new Map(remarks);
  let sent = 0;
  return events.map((event) => {
    if (!isForThread(event)) return here(event);
    const index = sent++;
    const key = keys[index];
    if (key === undefined) return wrong.get(index) ?? here(event);
    const start = index === 0 ? 0 : (ends[index - 1] ?? 0);
    return new PackedDevice(key, bytes.subarray(start, ends[index]), said.get(index));
  });
}
