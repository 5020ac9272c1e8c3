/** A server-streaming method as an async generator of messages: as slow as its reader, ended when the call is. */
import type { ServerWritableStream } from "@grpc/grpc-js";
import type { Peer } from "../decision/identity.ts";
import { Fault } from "../runtime/fault.ts";
import { connectionOf } from "./mount.ts";
import { toGrpcStatus } from "./status.ts";

/** Wraps `messages` for grpc-js, in services that a `GrpcListener` mounts. */
export function streaming<Request, Message>(
  messages: (request: Request, peer: Peer) => AsyncGenerator<Message>,
): (call: ServerWritableStream<Request, Message>) => void {
  return (call) => void send(call, messages);
}

async function send<Request, Message>(
  call: ServerWritableStream<Request, Message>,
  messages: (request: Request, peer: Peer) => AsyncGenerator<Message>,
): Promise<void> {
  try {
    const { peer } = connectionOf(call);
    for await (const message of messages(call.request, peer)) {
      if (call.cancelled) return;
      if (!call.write(message)) await drained(call);
      if (call.cancelled) return;
    }
    call.end();
  } catch (thrown) {
    if (!(thrown instanceof Fault) || thrown.code === "internal") connectionOf(call).onFault(thrown);
    call.emit("error", toGrpcStatus(thrown));
  }
}

/** Until the reader has caught up, or is gone. */
function drained(call: ServerWritableStream<unknown, unknown>): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      call.off("drain", done);
      call.off("cancelled", done);
      call.off("close", done);
      resolve();
    };
    call.once("drain", done);
    call.once("cancelled", done);
    call.once("close", done);
  });
}
