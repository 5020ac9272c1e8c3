/** A small `BrokerService`: the real gRPC server and messages, with a function in the place of the service. */
import { Server, ServerCredentials, type ServerDuplexStream } from "@grpc/grpc-js";
import * as wire from "../../src/gen/sallyport/v1/broker.ts";
import { wireAllow } from "./service.ts";

type Stream = ServerDuplexStream<wire.AttachRequest, wire.AttachResponse>;
type Said = NonNullable<wire.AttachRequest["message"]>;

/** What a test makes of a message; `undefined`: nothing is said. */
export type Handler = (said: Said, stream: Stream) => wire.AttachResponse["message"];

export interface TestBrokerService {
  readonly address: string;
  readonly streams: Stream[];
  readonly heard: Said[];
  [Symbol.asyncDispose](): Promise<void>;
}

/** A welcome with a lease of a second. */
export const welcome: wire.AttachResponse["message"] = {
  $case: "welcome",
  value: {
    epoch: "e",
    position: 0,
    lease_ms: 1000,
    max_batch: 256,
    max_waiting_batches: 64,
    max_sessions: 1000,
  },
};

/** Greets, grants leases of a second and allows everything. */
export function kind(result: Partial<wire.AttachedResult> = {}): Handler {
  return (said) => {
    if (said.$case === "hello") return welcome;
    if (said.$case === "renew")
      return { $case: "lease", value: { nonce: said.value.nonce, duration_ms: 1000 } };
    if (said.$case !== "checks") return undefined;
    const { batch_id, items } = said.value;
    const each = {
      decision: wireAllow(),
      usable_ms: 60_000,
      rests_on: ["device:meter-0"],
      fail_static_ms: 0,
      ...result,
    };
    return { $case: "results", value: { batch_id, position: 0, results: items.map(() => each), once_ms: 0 } };
  };
}

/** Serves on a loopback port. */
export async function serveBroker(handler: Handler, at = 0): Promise<TestBrokerService> {
  const server = new Server();
  const streams: Stream[] = [];
  const heard: Said[] = [];
  server.addService(wire.BrokerServiceService, {
    attach: (stream: Stream) => {
      streams.push(stream);
      stream.on("error", () => {});
      stream.on("end", () => stream.end());
      stream.on("data", ({ message }: wire.AttachRequest) => {
        if (message === undefined) return;
        heard.push(message);
        const answer = handler(message, stream);
        if (answer !== undefined) stream.write({ message: answer });
      });
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${at}`, ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return {
    address: `127.0.0.1:${port}`,
    streams,
    heard,
    async [Symbol.asyncDispose]() {
      server.forceShutdown();
    },
  };
}
