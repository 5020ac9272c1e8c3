/** A JetStream stream as a journal. */
import {
  DeliverPolicy,
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  jetstreamManager,
} from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import type { CaughtUp, Journal, JournalEntry } from "../runtime/ports.ts";
import { follow } from "./follow.ts";
import { toFault } from "./to-fault.ts";

/** How a journal is made where it is not there yet. */
export interface JournalOptions {
  /** Copies kept by the cluster. Default 1. */
  readonly replicas?: number;
  /** Bytes after which the oldest entries go; default: none go. */
  readonly maxBytes?: number;
}

/** Code of the server: there is no such stream. */
const streamNotFound = 10_059;

async function makeStream(manager: JetStreamManager, name: string, options: JournalOptions): Promise<void> {
  try {
    await manager.streams.info(name);
  } catch (thrown) {
    if (!(thrown instanceof JetStreamApiError && thrown.code === streamNotFound)) throw thrown;
    const { replicas = 1, maxBytes = -1 } = options;
    await manager.streams.add({
      name,
      subjects: [`${name}.entries`],
      num_replicas: replicas,
      max_bytes: maxBytes,
    });
  }
}

/** A {@link Journal} in the stream `name`, whose subject is `name.entries`. */
export class NatsJournal implements Journal {
  readonly #name: string;
  readonly #client: JetStreamClient;

  private constructor(name: string, client: JetStreamClient) {
    this.#name = name;
    this.#client = client;
  }

  /** Opens the stream, made when absent. Rejects with `unreachable`. */
  static async open(
    name: string,
    client: JetStreamClient,
    connection: NatsConnection,
    options: JournalOptions = {},
  ): Promise<NatsJournal> {
    try {
      await makeStream(await jetstreamManager(connection), name, options);
      return new NatsJournal(name, client);
    } catch (thrown) {
      throw toFault(thrown, `cannot open journal \`${name}\``);
    }
  }

  async append(body: Uint8Array, id?: string): Promise<number> {
    try {
      const options = id === undefined ? {} : { msgID: id };
      const { seq } = await this.#client.publish(`${this.#name}.entries`, body, options);
      return seq;
    } catch (thrown) {
      throw toFault(thrown, `cannot append to journal \`${this.#name}\``);
    }
  }

  async *read({
    from,
    signal,
  }: {
    readonly from?: number;
    readonly signal?: AbortSignal;
  } = {}): AsyncGenerator<JournalEntry | CaughtUp, void, void> {
    const where =
      from === undefined
        ? { deliver_policy: DeliverPolicy.All }
        : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: Math.max(1, from) };
    for await (const message of follow(this.#client, this.#name, where, signal)) {
      if (message === "caught_up") yield message;
      else yield { sequence: message.seq, atMs: message.time.getTime(), body: message.data };
    }
  }
}
