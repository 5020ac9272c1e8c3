/** The HTTP listener: routes as values, with the same peers and TLS as gRPC. */
import type { TLSSocket, Server as TlsServer } from "node:tls";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { Peer } from "../decision/identity.ts";
import { Fault } from "../runtime/fault.ts";
import type { HttpRequest, HttpRoute } from "../runtime/ports.ts";
import { type Address, formatAddress, requireProtection } from "./address.ts";
import { unusable } from "./listening.ts";
import type { PeerTable } from "./peers.ts";
import { toHttpResponse } from "./status.ts";
import { clientOptions, secureOptions } from "./tls-credentials.ts";
import type { TlsFiles } from "./tls-files.ts";

/** Parts and limits of an {@link HttpListener}. */
export interface HttpListenerOptions {
  readonly address: Address;
  readonly routes: readonly HttpRoute[];
  readonly peers: PeerTable;
  readonly tls: TlsFiles | undefined;
  readonly insecure: boolean;
  /** Largest body, bytes. */
  readonly bodyBytes: number;
  /** Largest headers, bytes. */
  readonly headerBytes: number;
  /** Told of what a handler threw that is no fault. */
  readonly onFault: (thrown: unknown) => void;
}

const requestTimeoutMs = 10_000;

function flat(
  values: Readonly<Record<string, string | readonly string[] | undefined>>,
): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) out[name] = typeof value === "string" ? value : value.join(", ");
  }
  return out;
}

function toRequest(request: FastifyRequest, peer: Peer | undefined): HttpRequest {
  return {
    method: request.method,
    path: request.url.split("?", 1)[0] ?? "",
    query: flat((request.query ?? {}) as Record<string, string | readonly string[]>),
    headers: flat(request.headers),
    body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
    peer,
  };
}

/** Serves HTTP from {@link HttpListener.start} until it is closed. */
export class HttpListener {
  readonly #app: FastifyInstance;
  readonly #address: Address;

  private constructor(app: FastifyInstance, address: Address) {
    this.#app = app;
    this.#address = address;
  }

  /** Binds and serves. Throws `address_unusable`. */
  static async start(options: HttpListenerOptions): Promise<HttpListener> {
    requireProtection(options.address, options.tls, options.insecure);
    const app = open(options);
    for (const route of options.routes) mount(app, route, options);
    try {
      await app.listen({ host: options.address.host, port: options.address.port });
    } catch (thrown) {
      throw unusable(options.address, thrown);
    }
    const bound = app.server.address();
    const port = typeof bound === "object" && bound !== null ? bound.port : options.address.port;
    options.tls?.onChange((context) =>
      (app.server as unknown as TlsServer).setSecureContext(secureOptions(context)),
    );
    return new HttpListener(app, { host: options.address.host, port });
  }

  /** Where it listens, with the port that was picked. */
  get address(): string {
    return formatAddress(this.#address);
  }

  /** Stops accepting, lets requests in flight end for at most `drainMs`, then closes. */
  async close(drainMs: number): Promise<void> {
    const force = setTimeout(() => this.#app.server.closeAllConnections(), drainMs);
    await this.#app.close();
    clearTimeout(force);
  }
}

function open(options: HttpListenerOptions): FastifyInstance {
  const common = {
    bodyLimit: options.bodyBytes,
    requestTimeout: requestTimeoutMs,
    forceCloseConnections: "idle" as const,
    logger: false,
  };
  const server = { maxHeaderSize: options.headerBytes };
  const { tls } = options;
  const app =
    tls === undefined
      ? fastify({ ...common, http: server })
      : (fastify({
          ...common,
          https: { ...server, ...secureOptions(tls.context), ...clientOptions(tls.context) },
        }) as unknown as FastifyInstance);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  app.setNotFoundHandler((_request, reply) =>
    fail(reply, new Fault("not_found", "there is nothing at this path"), options),
  );
  app.setErrorHandler((error, _request, reply) => fail(reply, error, options));
  return app;
}

/** The peer behind a connection: by its verified certificate or its loopback address. */
function peerOf(request: FastifyRequest, peers: PeerTable): Peer {
  const socket = request.raw.socket as Partial<TLSSocket>;
  const shown = socket.authorized === true ? socket.getPeerCertificate?.() : undefined;
  const certificate = shown?.raw === undefined ? undefined : shown;
  return peers.match({ ip: socket.remoteAddress ?? "", certificate });
}

function mount(app: FastifyInstance, route: HttpRoute, options: HttpListenerOptions): void {
  app.route({
    method: route.method,
    url: route.path,
    handler: async (request, reply) => {
      try {
        const peer = route.open ? undefined : peerOf(request, options.peers);
        const response = await route.handle(toRequest(request, peer));
        return await reply.code(response.status).headers(response.headers).send(response.body);
      } catch (thrown) {
        return fail(reply, thrown, options);
      }
    },
  });
}

function fail(reply: FastifyReply, thrown: unknown, options: HttpListenerOptions): FastifyReply {
  const { statusCode } = (thrown ?? {}) as { statusCode?: number };
  // What fastify itself refuses (a body too large, a malformed request) has a client status.
  const known =
    !(thrown instanceof Fault) && statusCode !== undefined && statusCode >= 400 && statusCode < 500
      ? new Fault(
          statusCode === 413 ? "limit_exceeded" : "request_invalid",
          "the request is malformed or too large",
        )
      : thrown;
  if (!(known instanceof Fault)) options.onFault(known);
  const response = toHttpResponse(known);
  return reply.code(response.status).headers(response.headers).send(response.body);
}
