/** A small service: the real gRPC server and messages, with answers from a function per call. */
import { Server, ServerCredentials } from "@grpc/grpc-js";
import type { DecisionServiceServer } from "../../src/gen/sallyport/v1/decision.ts";
import * as wire from "../../src/gen/sallyport/v1/decision.ts";

type Handler = (request: never, metadata: unknown) => unknown;
/** Answers by method; one that is missing never answers. */
export type Answers = Partial<Record<keyof DecisionServiceServer & string, Handler>>;

export interface TestService {
  readonly address: string;
  readonly requests: { readonly method: string; readonly request: unknown }[];
  [Symbol.asyncDispose](): Promise<void>;
}

/** Serves on a free loopback port. A handler that throws an object with `code` fails the call with that status. */
export async function serve(
  answers: Answers,
  credentials: ServerCredentials = ServerCredentials.createInsecure(),
  at = 0,
): Promise<TestService> {
  const server = new Server();
  const requests: TestService["requests"] = [];
  const implementation = Object.fromEntries(
    Object.keys(wire.DecisionServiceService).map((method) => [
      method,
      (call: { request: never; metadata: unknown }, done: (error: unknown, answer?: unknown) => void) => {
        requests.push({ method, request: call.request });
        const handler = answers[method as keyof Answers];
        if (handler === undefined) return;
        try {
          done(null, handler(call.request, call.metadata));
        } catch (thrown) {
          done(thrown);
        }
      },
    ]),
  );
  server.addService(wire.DecisionServiceService, implementation as unknown as DecisionServiceServer);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${at}`, credentials, (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return {
    address: `127.0.0.1:${port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.forceShutdown();
    },
  };
}

/** An allow as it comes over the wire. */
export function wireAllow(more: Partial<wire.Decision> = {}): wire.Decision {
  return {
    allow: true,
    reason: "ok",
    findings: [],
    retry: wire.RetryClass.RETRY_CLASS_UNSPECIFIED,
    obligations: { notify: [] },
    valid_until: undefined,
    bundle_revision: "b1",
    registry_revision: 7,
    registry_age_s: 2,
    decision_id: "d-1",
    cached: true,
    ...more,
  };
}
