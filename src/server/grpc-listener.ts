/** Serves gRPC at one address. */

import { createServer, type Server as NetServer, type Socket } from "node:net";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import type { GrpcService } from "../runtime/ports.ts";
import { type Address, formatAddress, requireProtection } from "./address.ts";
import { Connections } from "./connections.ts";
import { Health } from "./health.ts";
import { listen } from "./listening.ts";
import { mount } from "./mount.ts";
import type { PeerTable } from "./peers.ts";
import { Reflection } from "./reflection.ts";
import { TlsCredentials } from "./tls-credentials.ts";
import type { TlsFiles } from "./tls-files.ts";

/** What a gRPC listener is made of. */
export interface GrpcListenerOptions {
  readonly address: Address;
  readonly services: readonly GrpcService[];
  readonly peers: PeerTable;
  /** Absent: plain, which only loopback allows unless `insecure`. */
  readonly tls: TlsFiles | undefined;
  readonly insecure: boolean;
  /** Largest message accepted, in bytes. Answers may have 16 times as much. */
  readonly messageBytes: number;
  /** Largest metadata of a call, in bytes as HTTP/2 counts them. */
  readonly metadataBytes: number;
  /** Calls at once on one connection. */
  readonly streamsPerConnection: number;
  /** Connections at once; default 10,000. */
  readonly maxConnections?: number;
  /** File of descriptors for reflection; absent: no reflection. */
  readonly descriptors?: string;
  /** Told of what a call ran into that is no fault of the caller. */
  readonly onFault: (thrown: unknown) => void;
}

const answerFactor = 16;
const keepaliveMs = 30_000;
const keepaliveTimeoutMs = 10_000;

function serverFor(options: GrpcListenerOptions): Server {
  const server = new Server({
    "grpc.max_receive_message_length": options.messageBytes,
    "grpc.max_send_message_length": options.messageBytes * answerFactor,
    "grpc.max_concurrent_streams": options.streamsPerConnection,
    "grpc.keepalive_time_ms": keepaliveMs,
    "grpc.keepalive_timeout_ms": keepaliveTimeoutMs,
    // Bookkeeping per call and message that nobody reads.
    "grpc.enable_channelz": 0,
  });
  // grpc-js has no option for this one; where it moves, HTTP/2's own limit of 64 KiB remains.
  const { commonServerOptions } = server as unknown as { commonServerOptions?: { settings?: object } };
  if (commonServerOptions !== undefined) {
    commonServerOptions.settings = {
      ...commonServerOptions.settings,
      maxHeaderListSize: options.metadataBytes,
    };
  }
  return server;
}

const nameOf = ({ definition }: GrpcService): string =>
  Object.values(definition)[0]?.path.split("/")[1] ?? "";

/** A running gRPC listener with health and reflection. It says NOT_SERVING until it is told otherwise. */
export class GrpcListener {
  /** `host:port` as it is bound. */
  readonly address: string;
  readonly #server: Server;
  readonly #net: NetServer;
  readonly #sockets: ReadonlySet<Socket>;
  readonly #health: Health;
  readonly #reflection: Reflection | undefined;
  readonly #credentials: ServerCredentials;
  #closing: Promise<void> | undefined;

  private constructor(parts: {
    readonly address: string;
    readonly server: Server;
    readonly net: NetServer;
    readonly sockets: ReadonlySet<Socket>;
    readonly health: Health;
    readonly reflection: Reflection | undefined;
    readonly credentials: ServerCredentials;
  }) {
    this.address = parts.address;
    this.#server = parts.server;
    this.#net = parts.net;
    this.#sockets = parts.sockets;
    this.#health = parts.health;
    this.#reflection = parts.reflection;
    this.#credentials = parts.credentials;
  }

  /** Opens the listener. Throws `config_invalid`, `address_unusable`. */
  static async start(options: GrpcListenerOptions): Promise<GrpcListener> {
    requireProtection(options.address, options.tls, options.insecure);
    const server = serverFor(options);
    const connections = new Connections(options.peers, options.onFault);
    for (const service of options.services) {
      const { definition, implementation } = mount(service, connections);
      server.addService(definition, implementation);
    }
    const names = options.services.map(nameOf);
    const health = new Health(names);
    const reflection =
      options.descriptors === undefined
        ? undefined
        : new Reflection(options.descriptors, [...names, nameOf(health.service)]);
    // Open to whoever can connect.
    for (const { definition, implementation } of [health.service, ...(reflection?.services ?? [])])
      server.addService(definition, implementation);
    const credentials =
      options.tls === undefined ? ServerCredentials.createInsecure() : new TlsCredentials(options.tls);
    // The sockets are ours: so their number is bounded, and the last ones can be ended.
    const injector = server.createConnectionInjector(credentials);
    const sockets = new Set<Socket>();
    const net = createServer({ noDelay: true }, (socket) => {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
      injector.injectConnection(socket);
    });
    net.maxConnections = options.maxConnections ?? 10_000;
    try {
      const address = formatAddress(await listen(net, options.address));
      return new GrpcListener({ address, server, net, sockets, health, reflection, credentials });
    } catch (thrown) {
      server.forceShutdown();
      if (credentials instanceof TlsCredentials) credentials.close();
      throw thrown;
    }
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#sockets.size;
  }

  /** What health says. */
  setServing(serving: boolean): void {
    if (this.#closing === undefined) this.#health.setServing(serving);
  }

  /** Says NOT_SERVING, accepts no more, lets calls in flight end for at most `drainMs`, then ends them. */
  close(drainMs: number): Promise<void> {
    this.#closing ??= this.#close(drainMs);
    return this.#closing;
  }

  async #close(drainMs: number): Promise<void> {
    this.#health.setServing(false);
    const closed = new Promise<void>((resolve) => this.#net.close(() => resolve()));
    this.#health.end();
    this.#reflection?.end();
    const drained = new Promise<void>((resolve) => this.#server.tryShutdown(() => resolve()));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, drainMs);
    });
    await Promise.race([drained, late]);
    clearTimeout(timer);
    this.#server.forceShutdown();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    if (this.#credentials instanceof TlsCredentials) this.#credentials.close();
  }
}
