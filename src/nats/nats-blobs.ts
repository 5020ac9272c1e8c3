/** A bucket of the NATS object store. */
import { createHash } from "node:crypto";
import { DeliverPolicy, type JetStreamClient } from "@nats-io/jetstream";
import { type ObjectInfo, type ObjectStore, Objm } from "@nats-io/obj";
import { Fault } from "../runtime/fault.ts";
import { orQuiet } from "../runtime/or-quiet.ts";
import type { BlobInfo, Blobs, CaughtUp } from "../runtime/ports.ts";
import { follow } from "./follow.ts";
import type { BucketOptions } from "./nats-key-value.ts";
import { toFault } from "./to-fault.ts";

/** {@link Blobs} in the bucket `name`. */
export class NatsBlobs implements Blobs {
  readonly #name: string;
  readonly #bucket: ObjectStore;
  readonly #client: JetStreamClient;

  private constructor(name: string, bucket: ObjectStore, client: JetStreamClient) {
    this.#name = name;
    this.#bucket = bucket;
    this.#client = client;
  }

  /** Opens the bucket, made when absent. Rejects with `unreachable`. */
  static async open(
    name: string,
    client: JetStreamClient,
    { replicas = 1 }: BucketOptions = {},
  ): Promise<NatsBlobs> {
    try {
      return new NatsBlobs(name, await new Objm(client).create(name, { replicas }), client);
    } catch (thrown) {
      throw toFault(thrown, `cannot open object store \`${name}\``);
    }
  }

  async info(name: string): Promise<BlobInfo | undefined> {
    const info = await this.#try(`ask for \`${name}\``, () => this.#bucket.info(name));
    return info === null || info.deleted ? undefined : toInfo(info);
  }

  async get(
    name: string,
    maxBytes: number,
    signal?: AbortSignal,
  ): Promise<{ info: BlobInfo; content: Uint8Array } | undefined> {
    return this.#try(`read \`${name}\``, async () => {
      for (;;) {
        const found = await this.#bucket.get(name);
        if (found === null || found.info.deleted) return undefined;
        // Settled at once: a stream that is given up fails later, and nobody would hear of it.
        const failed = found.error.then(
          (error) => error,
          (error: Error) => error,
        );
        const { bucket, name: target, nuid } = found.info;
        // A link leads to another object, of which its own entry says nothing.
        const own = bucket === this.#name && target === name;
        const still = async (): Promise<boolean> => !own || (await this.#bucket.info(name))?.nuid === nuid;
        const content = await readAtMost(found.data, { maxBytes, name, signal, still });
        // Its parts went with the version that was being read, and the library waits for them for ever.
        if (content === "replaced") continue;
        const error = await failed;
        if (error instanceof Error) throw error;
        const info = toInfo(found.info);
        const digest = `sha256:${createHash("sha256").update(content).digest("hex")}`;
        if (digest !== info.digest)
          throw new Fault("unreachable", `blob \`${name}\` differs from its digest; it is read again`);
        return { info, content };
      }
    });
  }

  async put(name: string, content: Uint8Array): Promise<BlobInfo> {
    return toInfo(await this.#try(`write \`${name}\``, () => this.#bucket.putBlob({ name }, content)));
  }

  async delete(name: string): Promise<void> {
    await this.#try(`delete \`${name}\``, () => this.#bucket.delete(name));
  }

  async *watch(signal?: AbortSignal): AsyncGenerator<BlobInfo | CaughtUp, void, void> {
    const where = { filter_subjects: [`$O.${this.#name}.M.>`], deliver_policy: DeliverPolicy.LastPerSubject };
    for await (const message of follow(this.#client, `OBJ_${this.#name}`, where, signal)) {
      if (message === "caught_up") {
        yield message;
        continue;
      }
      const info = { ...message.json<ObjectInfo>(), revision: message.seq };
      if (info.deleted !== true) yield toInfo(info);
    }
  }

  async #try<T>(doing: string, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (thrown) {
      throw toFault(thrown, `cannot ${doing} in object store \`${this.#name}\``);
    }
  }
}

/** The digest is base64 there and hexadecimal here. */
function toInfo({ name, size, digest, revision, mtime }: ObjectInfo): BlobInfo {
  const hash = Buffer.from(digest.replace(/^SHA-256=/, ""), "base64url").toString("hex");
  const modifiedMs = Date.parse(mtime) || 0;
  return { name, bytes: size, digest: `sha256:${hash}`, revision, modifiedMs };
}

/** Milliseconds without a part after which it is asked whether the blob is still that version; and after which it is given up. */
const quietMs = 100;
const silentMs = 5000;

/** What is read, how much of it at most, and whether the blob is still that version. */
interface Reading {
  readonly name: string;
  readonly maxBytes: number;
  readonly signal: AbortSignal | undefined;
  readonly still: () => Promise<boolean>;
}

/** All parts, or `"replaced"`. Rejects with `limit_exceeded`, and with `unreachable` where parts stay away or `signal` says so. */
async function readAtMost(
  stream: ReadableStream<Uint8Array>,
  { name, maxBytes, signal, still }: Reading,
): Promise<Uint8Array | "replaced"> {
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for (;;) {
      const part = await partOf(reader.read(), still, signal);
      if (part === "replaced") return part;
      if (part === "silent")
        throw new Fault("unreachable", `blob \`${name}\` stopped after ${bytes} bytes; it is read again`);
      const { done, value } = part;
      if (done) return Buffer.concat(chunks);
      bytes += value.length;
      if (bytes > maxBytes)
        throw new Fault("limit_exceeded", `blob \`${name}\` is larger than ${maxBytes} bytes`);
      chunks.push(value);
    }
  } finally {
    // Nothing where it has ended; else the server is told that no more is wanted.
    await reader.cancel().catch(() => {});
  }
}

type Part = Awaited<ReturnType<ReadableStreamDefaultReader<Uint8Array>["read"]>>;

/** The part that comes next, `"replaced"` where none comes or a wrong one because the version is gone. */
async function partOf(
  next: Promise<Part>,
  still: () => Promise<boolean>,
  signal: AbortSignal | undefined,
): Promise<Part | "replaced" | "silent"> {
  for (let waited = 0; waited < silentMs; waited += quietMs) {
    try {
      const part = await orQuiet(next, quietMs, signal);
      if (part !== "quiet") return part;
    } catch (thrown) {
      if (signal?.aborted === true || (await still())) throw thrown;
      return "replaced";
    }
    if (!(await still())) return "replaced";
  }
  return "silent";
}
