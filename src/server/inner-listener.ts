/** Serves other processes of the same service on a Unix socket: they name the peer that asked them. */
import { chmod } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { Fault } from "../runtime/fault.ts";
import type { GrpcService } from "../runtime/ports.ts";
import type { AnyCall, Connection } from "./connections.ts";
import { innerPeer, innerSecret } from "./forward.ts";
import { mount } from "./mount.ts";
import type { PeerEntry } from "./peers.ts";

/** What an inner listener is made of. */
export interface InnerListenerOptions {
  /** Path of the socket, in a folder that only this user may enter. */
  readonly path: string;
  /** What callers must know. */
  readonly secret: string;
  readonly services: readonly GrpcService[];
  readonly entries: readonly PeerEntry[];
  readonly messageBytes: number;
  readonly onFault: (thrown: unknown) => void;
}

/** Who asks, by the word of a process that knows the secret. */
class Callers {
  readonly #secret: string;
  readonly #known: ReadonlyMap<string, Connection>;

  constructor({ entries, onFault, secret }: InnerListenerOptions) {
    this.#secret = secret;
    this.#known = new Map(entries.map(({ peer }) => [peer.name, { peer, onFault }]));
  }

  of({ metadata }: AnyCall): Connection | Fault {
    const connection = this.#known.get(String(metadata.get(innerPeer)[0]));
    if (metadata.get(innerSecret)[0] === this.#secret && connection !== undefined) return connection;
    return new Fault("peer_unknown", "this socket is for the processes of one service");
  }
}

/** Opens the socket. Throws `address_unusable`. */
export async function startInnerListener(options: InnerListenerOptions): Promise<AsyncDisposable> {
  const server = new Server({
    "grpc.max_receive_message_length": options.messageBytes,
    "grpc.max_send_message_length": -1,
    "grpc.enable_channelz": 0,
  });
  const callers = new Callers(options);
  for (const service of options.services) {
    const { definition, implementation } = mount(service, callers);
    server.addService(definition, implementation);
  }
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const sockets = new Set<Socket>();
  const net = createServer((socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    injector.injectConnection(socket);
  });
  await new Promise<void>((resolve, reject) => {
    net.once("error", (error) =>
      reject(Fault.from(error, "address_unusable", `cannot listen on \`${options.path}\``)),
    );
    net.listen(options.path, resolve);
  });
  await chmod(options.path, 0o600);
  return {
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        net.close(() => resolve());
        server.forceShutdown();
        for (const socket of sockets) socket.destroy();
      }),
  };
}
