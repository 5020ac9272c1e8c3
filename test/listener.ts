/** Test support: one gRPC service on a free port of this machine, for one peer. */
import type { Peer } from "../src/decision/identity.ts";
import { GrpcListener } from "../src/server/grpc-listener.ts";
import { PeerTable } from "../src/server/peers.ts";

type Options = Parameters<typeof GrpcListener.start>[0];

/** Starts it; whoever calls from this machine is `peer`. */
export function listenFor(
  peer: Peer,
  service: Options["services"][number],
  more: Partial<Options> = {},
): Promise<GrpcListener> {
  return GrpcListener.start({
    address: { host: "127.0.0.1", port: 0 },
    services: [service],
    peers: new PeerTable([{ match: { loopback: true }, peer }]),
    tls: undefined,
    insecure: false,
    messageBytes: 1 << 20,
    metadataBytes: 1 << 14,
    streamsPerConnection: 100,
    onFault: () => {},
    ...more,
  });
}
