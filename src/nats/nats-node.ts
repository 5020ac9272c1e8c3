/** One connection to NATS, and the ports of ring 0 over it. */
import { channel } from "node:diagnostics_channel";
import { type JetStreamClient, jetstream } from "@nats-io/jetstream";
import { type ConnectionOptions, credsAuthenticator, type NatsConnection } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";
import type { Blobs, Journal, KeyValue, Requests } from "../runtime/ports.ts";
import { NatsBlobs } from "./nats-blobs.ts";
import { type JournalOptions, NatsJournal } from "./nats-journal.ts";
import { type BucketOptions, NatsKeyValue } from "./nats-key-value.ts";
import { NatsRequests } from "./nats-requests.ts";
import { toFault } from "./to-fault.ts";

/** Where NATS is and who we are there. */
export interface NatsOptions {
  /** `host:port` or `nats://host:port`, of every server of the cluster. */
  readonly servers: readonly string[];
  /** Shown in the server's list of connections. */
  readonly name?: string;
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  /** Contents of a credentials file (JWT and key). */
  readonly credentials?: string;
  /** PEM; without it, no TLS unless the server asks for it. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  /** Milliseconds for a connection or an answer. Default 5000. */
  readonly timeoutMs?: number;
  /** Milliseconds between attempts to connect again; half as much is added at random. Default 500. */
  readonly retryMs?: number;
}

/** A message on `sallyport:nats:connection`. */
export interface NatsConnectionNews {
  readonly connected: boolean;
  readonly server: string;
}

const news = channel("sallyport:nats:connection");

function toConnectionOptions(options: NatsOptions): ConnectionOptions {
  const { credentials, name, password, retryMs = 500, servers, timeoutMs = 5000, tls, token, user } = options;
  return {
    servers: [...servers],
    timeout: timeoutMs,
    maxReconnectAttempts: -1,
    reconnectTimeWait: retryMs,
    reconnectJitter: retryMs / 2,
    reconnectJitterTLS: retryMs / 2,
    pingInterval: 10_000,
    maxPingOut: 2,
    ...(name === undefined ? {} : { name }),
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { pass: password }),
    ...(token === undefined ? {} : { token }),
    ...(credentials === undefined
      ? {}
      : { authenticator: credsAuthenticator(new TextEncoder().encode(credentials)) }),
    ...(tls === undefined ? {} : { tls: { ...tls } }),
  };
}

/** A node's connection: it comes back by itself after every loss, for ever. */
export class NatsNode implements AsyncDisposable {
  readonly #connection: NatsConnection;
  readonly #client: JetStreamClient;
  #connected = true;

  private constructor(connection: NatsConnection, timeoutMs: number) {
    this.#connection = connection;
    this.#client = jetstream(connection, { timeout: timeoutMs });
    void this.#listen();
  }

  /** Rejects with `unreachable` where no server answers. */
  static async connect(options: NatsOptions): Promise<NatsNode> {
    try {
      return new NatsNode(await connect(toConnectionOptions(options)), options.timeoutMs ?? 5000);
    } catch (thrown) {
      throw toFault(thrown, `cannot connect to NATS at \`${options.servers.join(", ")}\``);
    }
  }

  /** Whether a server can be talked to now. */
  get connected(): boolean {
    return this.#connected;
  }

  /** The bucket `name`, made when absent. Rejects with `unreachable`. */
  keyValue(name: string, options?: BucketOptions): Promise<KeyValue> {
    return NatsKeyValue.open(name, this.#client, this.#connection, options);
  }

  /** The object store `name`, made when absent. Rejects with `unreachable`. */
  blobs(name: string, options?: BucketOptions): Promise<Blobs> {
    return NatsBlobs.open(name, this.#client, options);
  }

  /** The journal `name`, made when absent. Rejects with `unreachable`. */
  journal(name: string, options?: JournalOptions): Promise<Journal> {
    return NatsJournal.open(name, this.#client, this.#connection, options);
  }

  /** Questions and calls between nodes. */
  requests(): Requests {
    return new NatsRequests(this.#connection);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.close();
  }

  async #listen(): Promise<void> {
    for await (const status of this.#connection.status()) {
      if (status.type !== "disconnect" && status.type !== "reconnect") continue;
      this.#connected = status.type === "reconnect";
      const told: NatsConnectionNews = { connected: this.#connected, server: status.server };
      if (news.hasSubscribers) news.publish(told);
    }
  }
}
