/** A unary method as a function of request and peer. */
import type { handleUnaryCall, sendUnaryData } from "@grpc/grpc-js";
import type { Peer } from "../decision/identity.ts";
import { Fault } from "../runtime/fault.ts";
import type { Connection } from "./connections.ts";
import { connectionOf } from "./mount.ts";
import { toGrpcStatus } from "./status.ts";

function fail(thrown: unknown, connection: Connection | undefined, callback: sendUnaryData<never>): void {
  if (!(thrown instanceof Fault) || thrown.code === "internal") connection?.onFault(thrown);
  callback(toGrpcStatus(thrown));
}

/**
 * Wraps `handler` for grpc-js, in services that a `GrpcListener` mounts. An answer that is there at once leaves
 * at once. What it throws becomes a status; only the text of a fault reaches the caller.
 */
export function unary<Request, Response>(
  handler: (request: Request, peer: Peer) => Response | Promise<Response>,
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    let connection: Connection | undefined;
    try {
      connection = connectionOf(call);
      const response = handler(call.request, connection.peer);
      if (response instanceof Promise) answerLater(response, connection, callback);
      else callback(null, response);
    } catch (thrown) {
      fail(thrown, connection, callback);
    }
  };
}

function answerLater<Response>(
  response: Promise<Response>,
  connection: Connection,
  callback: sendUnaryData<Response>,
): void {
  response.then(
    (late) => callback(null, late),
    (thrown: unknown) => fail(thrown, connection, callback),
  );
}
