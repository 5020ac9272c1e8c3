/** The gRPC listener: services, health and reflection on one port, with TLS that follows its files. */
import { experimental, Server, ServerCredentials, type UntypedServiceImplementation } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";
import { HealthImplementation } from "grpc-health-check";
import { Fault } from "../runtime/fault.ts";
import type { GrpcService } from "../runtime/ports.ts";
import { type Address, formatAddress, requireTls } from "./address.ts";
import type { PeerTable } from "./peers.ts";
import type { TlsFiles, TlsMaterial } from "./tls-files.ts";
import { mountUnary } from "./unary.ts";

/** Parts and limits of a {@link GrpcListener}. */
export interface GrpcListenerOptions {
  readonly address: Address;
  readonly services: readonly GrpcService[];
  readonly peers: PeerTable;
  readonly tls: TlsFiles | undefined;
  readonly insecure: boolean;
  /** Largest request, bytes. */
  readonly messageBytes: number;
  /** Largest metadata of a call, bytes. */
  readonly metadataBytes: number;
  /** Calls at once on one connection. */
  readonly streamsPerConnection: number;
  /** Proto files for reflection: import root and names. */
  readonly protos: { readonly root: string; readonly files: readonly string[] };
  /** Told of what a handler threw that is no fault. */
  readonly onFault: (thrown: unknown) => void;
}

const maxAnswerBytes = 4 * 1024 * 1024;
const keepaliveMs = 30_000;

function certificateProvider(files: TlsFiles): experimental.CertificateProvider {
  const stops = new Map<unknown, () => void>();
  const follow = <T>(listener: (update: T) => void, pick: (material: TlsMaterial) => T): void => {
    stops.set(
      listener,
      files.onChange((material) => listener(pick(material))),
    );
    listener(pick(files.material));
  };
  const stop = (listener: unknown): void => {
    stops.get(listener)?.();
    stops.delete(listener);
  };
  return {
    addCaCertificateListener: (listener) =>
      follow(listener, ({ ca }) => ({ caCertificate: ca ?? Buffer.alloc(0) })),
    removeCaCertificateListener: stop,
    addIdentityCertificateListener: (listener) =>
      follow(listener, ({ cert, key }) => ({ certificate: cert, privateKey: key })),
    removeIdentityCertificateListener: stop,
  };
}

function credentialsOf(tls: TlsFiles | undefined): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure();
  const provider = certificateProvider(tls);
  // Identity first, CA second, whatever the names in the declaration say.
  const ca = (tls.material.ca === undefined ? null : provider) as experimental.CertificateProvider | null;
  return experimental.createCertificateProviderServerCredentials(provider, ca, ca !== null);
}

/** Serves gRPC from {@link GrpcListener.start} until it is closed. */
export class GrpcListener {
  readonly #server: Server;
  readonly #health: HealthImplementation;
  readonly #address: Address;

  private constructor(server: Server, health: HealthImplementation, address: Address) {
    this.#server = server;
    this.#health = health;
    this.#address = address;
  }

  /** Binds and serves. Throws `address_unusable`. */
  static async start(options: GrpcListenerOptions): Promise<GrpcListener> {
    requireTls(options.address, options.tls !== undefined, options.insecure);
    const server = new Server({
      "grpc.max_receive_message_length": options.messageBytes,
      "grpc.max_send_message_length": maxAnswerBytes,
      "grpc.max_metadata_size": options.metadataBytes,
      "grpc.max_concurrent_streams": options.streamsPerConnection,
      "grpc.keepalive_time_ms": keepaliveMs,
    });
    for (const { definition, methods } of options.services) {
      const implementation: UntypedServiceImplementation = {};
      for (const [name, method] of Object.entries(methods)) {
        implementation[name] = mountUnary(method, options.peers, options.onFault);
      }
      server.addService(definition, implementation);
    }
    const health = new HealthImplementation({ "": "NOT_SERVING" });
    health.addToServer(server);
    const { root, files } = options.protos;
    new ReflectionService(loadSync([...files], { includeDirs: [root], keepCase: true })).addToServer(server);
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(formatAddress(options.address), credentialsOf(options.tls), (error, bound) => {
        if (error === null) resolve(bound);
        else
          reject(
            Fault.from(error, "address_unusable", `cannot listen on \`${formatAddress(options.address)}\``),
          );
      });
    });
    return new GrpcListener(server, health, { host: options.address.host, port });
  }

  /** Where it listens, with the port that was picked. */
  get address(): string {
    return formatAddress(this.#address);
  }

  /** What health checks say from now on. */
  setServing(serving: boolean): void {
    this.#health.setStatus("", serving ? "SERVING" : "NOT_SERVING");
  }

  /** Stops accepting, lets calls in flight end for at most `drainMs`, then closes. */
  async close(drainMs: number): Promise<void> {
    this.setServing(false);
    await new Promise<void>((resolve) => {
      const force = setTimeout(() => this.#server.forceShutdown(), drainMs);
      this.#server.tryShutdown(() => {
        clearTimeout(force);
        resolve();
      });
    });
  }
}
