/** Ports as values: what a part hands to the program that mounts it. */
import type { ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";
import type { Peer } from "../decision/identity.ts";

/** A gRPC service ready to be mounted. */
export interface GrpcService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

/** A request to an HTTP route. Header names are lower case. */
export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** The configuration entry of the caller, where one matched. */
  readonly peer: Peer | undefined;
}

/** An HTTP answer. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** An HTTP route ready to be mounted. `open` routes need no peer entry (health). */
export interface HttpRoute {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly open: boolean;
  handle(request: HttpRequest): HttpResponse | Promise<HttpResponse>;
}

/** A counter or gauge, read when somebody collects. Labels never hold identifiers. */
export interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge";
  /** How the numbers of several processes become one; default `sum`. */
  readonly across?: "sum" | "max";
  read(): readonly MetricSample[];
}

/** One number of a metric. */
export interface MetricSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A metric as one process has read it. */
export interface MetricReading extends Omit<Metric, "read"> {
  readonly samples: readonly MetricSample[];
}

/** Said once by something that is followed: everything that was there at the start has been given. */
export type CaughtUp = "caught_up";

/** One key of a {@link KeyValue} as it was last written; without a `value` it was deleted. */
export interface KeyValueEntry {
  readonly key: string;
  readonly value: Uint8Array | undefined;
  /** Position of that write in the order of all writes to the bucket. */
  readonly revision: number;
}

/**
 * Keys and values in one order of writes, shared by every node. Keys are any text that is not empty.
 * Promises reject with `unreachable` while the other end cannot be asked.
 */
export interface KeyValue {
  get(key: string): Promise<KeyValueEntry | undefined>;
  /** Resolves to the revision once the write is durable. */
  put(key: string, value: Uint8Array): Promise<number>;
  /** The same only while `revision` is that of the last write (0: there is none, or a deletion); else `undefined`. */
  putIf(key: string, value: Uint8Array, revision: number): Promise<number | undefined>;
  /** Leaves a tombstone with a revision of its own. */
  delete(key: string): Promise<void>;
  /**
   * Which bucket this is, the revision of its last write, and how many entries it keeps, tombstones included: a bucket
   * made anew has another epoch, and one from which something was removed without a write has fewer entries.
   */
  state(): Promise<{ readonly epoch: string; readonly revision: number; readonly entries: number }>;
  /**
   * The latest write of each key from revision `from` on (default: all keys), in order, then every new one.
   * It goes on by itself after a lost connection. End it by leaving the loop or by `signal`.
   */
  watch(options?: {
    readonly from?: number;
    readonly signal?: AbortSignal;
  }): AsyncIterable<KeyValueEntry | CaughtUp>;
}

/** One version of a blob. */
export interface BlobInfo {
  readonly name: string;
  readonly bytes: number;
  /** `sha256:` and 64 hexadecimal digits. */
  readonly digest: string;
  readonly revision: number;
  readonly modifiedMs: number;
}

/** Named blobs of many megabytes, with the digest of each. Promises reject with `unreachable`. */
export interface Blobs {
  info(name: string): Promise<BlobInfo | undefined>;
  /**
   * The whole blob, digest checked; where it is replaced meanwhile, the version that replaced it. Rejects with
   * `limit_exceeded` where it is larger than `maxBytes`, with `unreachable` where it cannot be read or `signal` ends it.
   */
  get(
    name: string,
    maxBytes: number,
    signal?: AbortSignal,
  ): Promise<{ info: BlobInfo; content: Uint8Array } | undefined>;
  put(name: string, content: Uint8Array): Promise<BlobInfo>;
  delete(name: string): Promise<void>;
  /** Every blob as it is, then each new version; deletions are not told. */
  watch(signal?: AbortSignal): AsyncIterable<BlobInfo | CaughtUp>;
}

/** Messages between nodes: questions with one answer, and calls that nobody has to hear. */
export interface Requests {
  /** Rejects with `unreachable` where nobody listens, with `deadline_exceeded` after `timeoutMs`. */
  request(subject: string, body: Uint8Array, timeoutMs: number): Promise<Uint8Array>;
  /**
   * Answers questions on `subject` until it is disposed of; a throw is answered as `internal`. With `queue`, each goes
   * to one of those who answer in it. `header` is a header of the question, empty where it has none.
   */
  answer(
    subject: string,
    handler: (body: Uint8Array, header: (name: string) => string) => Uint8Array | Promise<Uint8Array>,
    queue?: string,
  ): Disposable;
  publish(subject: string, body: Uint8Array): void;
  listen(subject: string, handler: (body: Uint8Array, subject: string) => void): Disposable;
}

/** One entry of a {@link Journal}. */
export interface JournalEntry {
  readonly sequence: number;
  readonly atMs: number;
  readonly body: Uint8Array;
}

/** An ordered, durable, append-only record. Promises reject with `unreachable`. */
export interface Journal {
  /** Resolves to the sequence once durable; two appends with one `id` within two minutes are one. */
  append(body: Uint8Array, id?: string): Promise<number>;
  /** Entries from sequence `from` on (default: the first kept), then every new one. */
  read(options?: {
    readonly from?: number;
    readonly signal?: AbortSignal;
  }): AsyncIterable<JournalEntry | CaughtUp>;
}
