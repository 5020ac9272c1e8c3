/** Unary calls: a handler of request and peer, with nothing else on the way. */
import type { handleUnaryCall, ServerUnaryCall, sendUnaryData } from "@grpc/grpc-js";
import type { Peer } from "../decision/identity.ts";
import { Fault } from "../runtime/fault.ts";
import type { UnaryMethod } from "../runtime/ports.ts";
import type { PeerSocket, PeerTable } from "./peers.ts";
import { toServiceError } from "./status.ts";

// grpc-js shows a call's certificate, parsed anew at each look, but not its connection. The connection is
// what a peer is remembered by, so it is looked up where grpc-js keeps it; `undefined` if that ever moves.
function socketOf(call: object): PeerSocket | undefined {
  const inner = (call as { call?: { stream?: { session?: { socket?: PeerSocket } } } }).call;
  return inner?.stream?.session?.socket;
}

/** The connection's underlying socket: http2 hands out a proxy of it, the same one for a session's life. */
function peerOf(call: object, peers: PeerTable): Peer {
  const socket = socketOf(call);
  if (socket === undefined) throw new Fault("peer_unknown", "the connection is gone");
  return peers.of(socket);
}

/** Turns a unary method into what grpc-js calls. A synchronous answer is sent at once. */
export function mountUnary<Request, Response>(
  method: UnaryMethod<Request, Response>,
  peers: PeerTable,
  onFault: (thrown: unknown) => void,
): handleUnaryCall<Request, Response> {
  const fail = (thrown: unknown, callback: sendUnaryData<Response>): void => {
    if (!(thrown instanceof Fault)) onFault(thrown);
    callback(toServiceError(thrown));
  };
  return (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>) => {
    try {
      const response = method.unary(call.request, peerOf(call, peers));
      if (response instanceof Promise) {
        response.then(
          (done) => callback(null, done),
          (thrown: unknown) => fail(thrown, callback),
        );
      } else callback(null, response);
    } catch (thrown) {
      fail(thrown, callback);
    }
  };
}
