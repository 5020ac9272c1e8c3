/** The listeners of a process. */
import type { Config } from "../config/config.ts";
import type { Closing } from "../runtime/closing.ts";
import { ownFile } from "../runtime/own-files.ts";
import type { GrpcService, HttpRoute } from "../runtime/ports.ts";
import { GrpcListener } from "../server/grpc-listener.ts";
import { HttpListener } from "../server/http-listener.ts";
import { type PeerEntry, PeerTable } from "../server/peers.ts";
import { TlsFiles } from "../server/tls-files.ts";
import type { Logger } from "../telemetry/logger.ts";
import { addressOf } from "./parts.ts";

const descriptors = ownFile("proto/descriptors.binpb");

/** What is served, and how. */
export interface FacesParts {
  readonly config: Config;
  readonly logger: Logger;
  readonly stack: Closing;
  readonly entries: readonly PeerEntry[];
  readonly services: readonly GrpcService[];
  readonly routes: readonly HttpRoute[];
  readonly onFault: (thrown: unknown) => void;
}

/** Listeners that are open. */
export interface Faces {
  readonly grpc: GrpcListener;
  readonly http: HttpListener;
  /** Reads certificates again. */
  reload(): Promise<void>;
}

/** Opens them; `stack` drains and closes them. Throws `address_unusable`, `tls_invalid`. */
export async function openFaces(parts: FacesParts): Promise<Faces> {
  const { config, logger, onFault, stack } = parts;
  const peers = new PeerTable(parts.entries);
  const openTls = async (listener: Config["grpc"]): Promise<TlsFiles | undefined> =>
    listener.tls === undefined
      ? undefined
      : stack.use(
          await TlsFiles.open(listener.tls, (fault) =>
            logger.error("TLS files cannot be used", { error: fault }),
          ),
        );
  const tls = { grpc: await openTls(config.grpc), http: await openTls(config.http) };
  const drainMs = config.shutdown.drain_s * 1000;
  const grpc = await GrpcListener.start({
    address: addressOf(config.grpc.listen),
    services: parts.services,
    peers,
    tls: tls.grpc,
    insecure: config.insecure,
    messageBytes: config.limits.message_bytes,
    metadataBytes: config.limits.metadata_bytes,
    streamsPerConnection: config.limits.streams_per_connection,
    descriptors,
    onFault,
  });
  stack.defer(() => grpc.close(drainMs));
  const http = await HttpListener.start({
    address: addressOf(config.http.listen),
    routes: parts.routes,
    peers,
    tls: tls.http,
    insecure: config.insecure,
    bodyBytes: config.limits.message_bytes,
    headerBytes: config.limits.metadata_bytes,
    onFault,
  });
  stack.defer(() => http.close(drainMs));
  return {
    grpc,
    http,
    reload: async () => {
      await tls.grpc?.reload();
      await tls.http?.reload();
    },
  };
}
