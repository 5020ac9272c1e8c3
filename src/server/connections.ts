/** Who is at the other end of a gRPC connection: found with its first call, then remembered with it. */
import type { ServerUnaryCall } from "@grpc/grpc-js";
import type { Peer } from "../decision/identity.ts";
import { Fault } from "../runtime/fault.ts";
import type { PeerTable } from "./peers.ts";

/** What every kind of gRPC call can tell of its caller. */
export type AnyCall = Pick<
  ServerUnaryCall<unknown, unknown>,
  "getPeer" | "getAuthContext" | "cancelled" | "metadata"
>;

/** A connection whose caller is a configured peer. */
export interface Connection {
  readonly peer: Peer;
  /** Told of every fault of this program that a call on it ran into. */
  readonly onFault: (thrown: unknown) => void;
}

/** The part of a grpc-js call (1.14) that leads to its HTTP/2 session, the one object per connection. */
interface Innards {
  readonly call?: { readonly stream?: { readonly session?: object } };
}

/** The session of a call; `undefined` where grpc-js keeps it elsewhere than it did. */
export function sessionOf(call: AnyCall): object | undefined {
  return (call as Innards).call?.stream?.session;
}

/** `1.2.3.4` of `1.2.3.4:567`, `::1` of `::1:567`. */
function ipOf(peer: string): string {
  return peer.slice(0, Math.max(0, peer.lastIndexOf(":")));
}

/** The live connections of a listener. */
export class Connections {
  readonly #peers: PeerTable;
  readonly #onFault: (thrown: unknown) => void;
  readonly #known = new WeakMap<object, Connection | Fault>();

  constructor(peers: PeerTable, onFault: (thrown: unknown) => void) {
    this.#peers = peers;
    this.#onFault = onFault;
  }

  /** The connection of a call, or the fault `peer_unknown`. */
  of(call: AnyCall): Connection | Fault {
    const session = sessionOf(call);
    if (session === undefined) return this.#find(call);
    let known = this.#known.get(session);
    if (known === undefined) this.#known.set(session, (known = this.#find(call)));
    return known;
  }

  #find(call: AnyCall): Connection | Fault {
    try {
      // Without a verified chain there is no certificate here [grpc-js: getAuthContext].
      const { sslPeerCertificate: certificate } = call.getAuthContext();
      return { peer: this.#peers.match({ ip: ipOf(call.getPeer()), certificate }), onFault: this.#onFault };
    } catch (thrown) {
      return Fault.from(thrown, "internal", "cannot tell who calls");
    }
  }
}
