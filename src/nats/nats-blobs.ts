/** A bucket of the NATS object store. */
import { createHash } from "node:crypto";
import { DeliverPolicy, type JetStreamClient } from "@nats-io/jetstream";
import { type ObjectInfo, type ObjectStore, Objm } from "@nats-io/obj";
import { Fault } from "../runtime/fault.ts";
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

  async get(name: string, maxBytes: number): Promise<{ info: BlobInfo; content: Uint8Array } | undefined> {
    return this.#try(`read \`${name}\``, async () => {
      const found = await this.#bucket.get(name);
      if (found === null || found.info.deleted) return undefined;
      const info = toInfo(found.info);
      const content = await readAtMost(found.data, maxBytes, name);
      const error = await found.error;
      if (error instanceof Error) throw error;
      const digest = `sha256:${createHash("sha256").update(content).digest("hex")}`;
      if (digest !== info.digest)
        throw new Fault("unreachable", `blob \`${name}\` differs from its digest; it is read again`);
      return { info, content };
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

async function readAtMost(
  stream: ReadableStream<Uint8Array>,
  maxBytes: number,
  name: string,
): Promise<Uint8Array> {
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return Buffer.concat(chunks);
    bytes += value.length;
    if (bytes > maxBytes) {
      await reader.cancel();
      throw new Fault("limit_exceeded", `blob \`${name}\` is larger than ${maxBytes} bytes`);
    }
    chunks.push(value);
  }
}
