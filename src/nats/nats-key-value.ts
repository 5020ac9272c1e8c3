/** A bucket of NATS JetStream KV. */
import { DeliverPolicy, JetStreamApiError, type JetStreamClient, jetstreamManager } from "@nats-io/jetstream";
import { type KV, Kvm } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/nats-core";
import type { CaughtUp, KeyValue, KeyValueEntry } from "../runtime/ports.ts";
import { follow } from "./follow.ts";
import { decodeKey, encodeKey } from "./key-codec.ts";
import { toFault } from "./to-fault.ts";

/** Code of the server: the last write of that key is another one. */
const wrongLastSequence = 10_071;

/** How a bucket is made where it is not there yet. */
export interface BucketOptions {
  /** Copies kept by the cluster. Default 1. */
  readonly replicas?: number;
}

/** A {@link KeyValue} in the bucket `name`. */
export class NatsKeyValue implements KeyValue {
  readonly #name: string;
  readonly #bucket: KV;
  readonly #client: JetStreamClient;
  readonly #connection: NatsConnection;

  private constructor(name: string, bucket: KV, client: JetStreamClient, connection: NatsConnection) {
    this.#name = name;
    this.#bucket = bucket;
    this.#client = client;
    this.#connection = connection;
  }

  /** Opens the bucket, made when absent. Rejects with `unreachable`. */
  static async open(
    name: string,
    client: JetStreamClient,
    connection: NatsConnection,
    { replicas = 1 }: BucketOptions = {},
  ): Promise<NatsKeyValue> {
    try {
      const bucket = await new Kvm(client).create(name, { history: 1, replicas });
      return new NatsKeyValue(name, bucket, client, connection);
    } catch (thrown) {
      throw toFault(thrown, `cannot open bucket \`${name}\``);
    }
  }

  get #prefix(): string {
    return `$KV.${this.#name}.`;
  }

  async get(key: string): Promise<KeyValueEntry | undefined> {
    const entry = await this.#try(`read \`${key}\``, () => this.#bucket.get(encodeKey(key)));
    if (entry === null) return undefined;
    const { operation, revision, value } = entry;
    return { key, revision, value: operation === "PUT" ? value : undefined };
  }

  put(key: string, value: Uint8Array): Promise<number> {
    return this.#try(`write \`${key}\``, () => this.#bucket.put(encodeKey(key), value));
  }

  putIf(key: string, value: Uint8Array, revision: number): Promise<number | undefined> {
    const encoded = encodeKey(key);
    return this.#try(`write \`${key}\``, async () => {
      try {
        return revision === 0
          ? await this.#bucket.create(encoded, value)
          : await this.#bucket.update(encoded, value, revision);
      } catch (thrown) {
        if (thrown instanceof JetStreamApiError && thrown.code === wrongLastSequence) return undefined;
        throw thrown;
      }
    });
  }

  delete(key: string): Promise<void> {
    return this.#try(`delete \`${key}\``, () => this.#bucket.delete(encodeKey(key)));
  }

  state(): ReturnType<KeyValue["state"]> {
    return this.#try("ask for the state", async () => {
      const manager = await jetstreamManager(this.#connection);
      const { created, state } = await manager.streams.info(`KV_${this.#name}`);
      return { epoch: created, revision: state.last_seq, entries: state.messages };
    });
  }

  async *watch({
    from,
    signal,
  }: {
    readonly from?: number;
    readonly signal?: AbortSignal;
  } = {}): AsyncGenerator<KeyValueEntry | CaughtUp, void, void> {
    const start =
      from === undefined
        ? { deliver_policy: DeliverPolicy.LastPerSubject }
        : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: Math.max(1, from) };
    const where = { filter_subjects: [`${this.#prefix}>`], ...start };
    for await (const message of follow(this.#client, `KV_${this.#name}`, where, signal)) {
      if (message === "caught_up") {
        yield message;
        continue;
      }
      const key = decodeKey(message.subject.slice(this.#prefix.length));
      const deleted = (message.headers?.get("KV-Operation") ?? "") !== "";
      yield { key, revision: message.seq, value: deleted ? undefined : message.data };
    }
  }

  async #try<T>(doing: string, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (thrown) {
      throw toFault(thrown, `cannot ${doing} in bucket \`${this.#name}\``);
    }
  }
}
