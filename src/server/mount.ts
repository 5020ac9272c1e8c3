/** A service as a listener serves it: for known peers only, and without grpc-js's own words for bad messages. */
import type { handleUnaryCall, ServiceDefinition, UntypedHandleCall } from "@grpc/grpc-js";
import { Fault } from "../runtime/fault.ts";
import type { GrpcService } from "../runtime/ports.ts";
import type { AnyCall, Connection } from "./connections.ts";
import { toGrpcStatus } from "./status.ts";

/** Tells who calls. */
interface Callers {
  /** The connection of a call, or the fault `peer_unknown`. */
  of(call: AnyCall): Connection | Fault;
}

const connectionKey = Symbol("connection");

interface MountedCall extends AnyCall {
  [connectionKey]?: Connection;
}

/** The connection of a call to a mounted service. Throws `peer_unknown`. */
export function connectionOf(call: AnyCall): Connection {
  const connection = (call as MountedCall)[connectionKey];
  if (connection !== undefined) return connection;
  throw new Fault("peer_unknown", "the caller is not known: the service was not mounted by a listener");
}

/** Stands for a message that could not be decoded; grpc-js would answer it with INTERNAL. */
const undecodable = Object.freeze({});

type Method = ServiceDefinition[string];

function lenient(method: Method): Method {
  const { requestDeserialize } = method;
  return {
    ...method,
    requestDeserialize: (bytes) => {
      try {
        return requestDeserialize(bytes) as unknown;
      } catch {
        return undecodable;
      }
    },
  };
}

const isUnary = ({ requestStream, responseStream }: Method): boolean => !requestStream && !responseStream;

function guardUnary(handle: handleUnaryCall<unknown, unknown>, connections: Callers): UntypedHandleCall {
  const guarded: handleUnaryCall<unknown, unknown> = (call, callback) => {
    if (call.cancelled) return;
    const connection = connections.of(call);
    if (connection instanceof Fault) callback(toGrpcStatus(connection));
    else if (call.request === undecodable) {
      callback(
        toGrpcStatus(
          new Fault("request_invalid", "the message cannot be decoded: it does not match the API"),
        ),
      );
    } else {
      (call as MountedCall)[connectionKey] = connection;
      handle(call, callback);
    }
  };
  return guarded as UntypedHandleCall;
}

/** A streaming method of any kind. */
type Streaming = (
  call: MountedCall & { emit(event: "error", error: unknown): void },
  callback: unknown,
) => void;

function guardStream(handle: Streaming, connections: Callers): UntypedHandleCall {
  const guarded: Streaming = (call, callback) => {
    const connection = connections.of(call);
    if (connection instanceof Fault) call.emit("error", toGrpcStatus(connection));
    else {
      call[connectionKey] = connection;
      handle(call, callback);
    }
  };
  return guarded as unknown as UntypedHandleCall;
}

/** The same service behind the guard of a listener. */
export function mount({ definition, implementation }: GrpcService, connections: Callers): GrpcService {
  const methods = Object.entries(definition);
  return {
    definition: Object.fromEntries(
      methods.map(([name, method]) => [name, isUnary(method) ? lenient(method) : method]),
    ),
    implementation: Object.fromEntries(
      methods.flatMap(([name, method]) => {
        const handle = implementation[name] ?? implementation[method.originalName ?? ""];
        if (handle === undefined) return [];
        return [
          [
            name,
            isUnary(method)
              ? guardUnary(handle as handleUnaryCall<unknown, unknown>, connections)
              : guardStream(handle as unknown as Streaming, connections),
          ],
        ];
      }),
    ),
  };
}
