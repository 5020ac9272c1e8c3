/** Services that another process answers: calls are passed on as they are, message by message. */
import type { Readable, Writable } from "node:stream";
import {
  Client,
  credentials,
  type Deadline,
  type handleBidiStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  type MethodDefinition,
  type ServiceDefinition,
  type ServiceError,
  type UntypedHandleCall,
} from "@grpc/grpc-js";
import { Fault } from "../runtime/fault.ts";
import type { GrpcService } from "../runtime/ports.ts";
import { connectionOf } from "./mount.ts";
import { toGrpcStatus } from "./status.ts";

/** Metadata between processes of one service: what proves one of them, and the name of the peer that asked it. */
export const innerSecret = "sallyport-inner-secret";
export const innerPeer = "sallyport-inner-peer";

/** Where the other process listens. */
export interface ForwardOptions {
  readonly path: string;
  readonly secret: string;
  /** Longest wait for a unary answer, milliseconds. */
  readonly deadlineMs: number;
  /** Unix time in milliseconds. */
  readonly wallMs: () => number;
}

const same = (bytes: Buffer): Buffer => bytes;

/** A failure of the other process as callers may know it; what it said itself is passed on. */
function toStatus(error: ServiceError): unknown {
  if (error.metadata?.get("sallyport-code").length > 0)
    return { code: error.code, details: error.details, metadata: error.metadata };
  return toGrpcStatus(
    new Fault("unreachable", "the process that keeps the service's records cannot be asked; try again"),
  );
}

function connect(path: string): Client {
  return new Client(`unix:${path}`, credentials.createInsecure(), {
    "grpc.max_receive_message_length": -1,
    "grpc.max_send_message_length": -1,
    "grpc.default_authority": "sallyport",
    "grpc.enable_channelz": 0,
    "grpc.initial_reconnect_backoff_ms": 50,
    "grpc.max_reconnect_backoff_ms": 1000,
    // Else clients of one address share a connection.
    "grpc.use_local_subchannel_pool": 1,
  });
}

/** Passes calls on. */
export class Forwarder implements Disposable {
  readonly #options: ForwardOptions;
  readonly #client: Client;
  /**
   * The same over a connection of its own, for what is sent in streams: a call waits in the socket behind all that is
   * written before it, and nothing but a fleet that is loaded writes that much.
   */
  readonly #streams: Client;

  constructor(options: ForwardOptions) {
    this.#options = options;
    this.#client = connect(options.path);
    this.#streams = connect(options.path);
  }

  /** A service whose every method is answered there. */
  service(definition: ServiceDefinition): GrpcService {
    const methods = Object.entries(definition);
    return {
      definition: Object.fromEntries(
        methods.map(([name, method]) => [
          name,
          { ...method, requestDeserialize: same, responseSerialize: same as typeof method.responseSerialize },
        ]),
      ),
      implementation: Object.fromEntries(methods.map(([name, method]) => [name, this.#handler(method)])),
    };
  }

  #handler({ path, requestStream, responseStream }: MethodDefinition<unknown, unknown>): UntypedHandleCall {
    const { deadlineMs, wallMs } = this.#options;
    if (!requestStream && !responseStream) {
      const unary: handleUnaryCall<Buffer, Buffer> = (call, callback) => {
        const deadline = earlier(call.getDeadline(), wallMs() + deadlineMs);
        const passed = this.#client.makeUnaryRequest(
          path,
          same,
          same,
          call.request,
          this.#metadata(call),
          { deadline },
          (error, answer) => {
            if (error === null) callback(null, answer ?? Buffer.alloc(0));
            else callback(toStatus(error) as ServiceError);
          },
        );
        call.on("cancelled", () => passed.cancel());
      };
      return unary as UntypedHandleCall;
    }
    if (!requestStream) {
      const streaming: handleServerStreamingCall<Buffer, Buffer> = (call) => {
        const passed = this.#client.makeServerStreamRequest(
          path,
          same,
          same,
          call.request,
          this.#metadata(call),
        );
        passed.on("error", (error) => call.emit("error", toStatus(error as ServiceError)));
        call.on("cancelled", () => passed.cancel());
        pass(passed, call);
      };
      return streaming as UntypedHandleCall;
    }
    const bidi: handleBidiStreamingCall<Buffer, Buffer> = (call) => {
      const passed = this.#streams.makeBidiStreamRequest(path, same, same, this.#metadata(call));
      passed.on("error", (error) => call.emit("error", toStatus(error as ServiceError)));
      call.on("cancelled", () => passed.cancel());
      pass(call, passed);
      pass(passed, call);
    };
    return bidi as UntypedHandleCall;
  }

  #metadata(call: Parameters<typeof connectionOf>[0]): Metadata {
    const metadata = new Metadata();
    metadata.set(innerSecret, this.#options.secret);
    metadata.set(innerPeer, connectionOf(call).peer.name);
    return metadata;
  }

  [Symbol.dispose](): void {
    this.#client.close();
    this.#streams.close();
  }
}

/** As fast as the reader takes it; the end is passed on too. */
function pass(from: unknown, to: unknown): void {
  (from as Readable).pipe(to as Writable);
}

function earlier(asked: Deadline, most: number): number {
  return Math.min(typeof asked === "number" ? asked : asked.getTime(), most);
}
