/** The yardstick: a bare grpc-js server that answers every publish check with the same decision. */
import grpc from "@grpc/grpc-js";
import type * as wire from "../src/gen/sallyport/v1/decision.ts";
import { DecisionServiceService, RetryClass } from "../src/gen/sallyport/v1/decision.ts";

// As many fields and bytes as a real answer has.
const response: wire.CheckPublishResponse = {
  decision: {
    allow: true,
    reason: "ok",
    findings: [],
    retry: RetryClass.RETRY_CLASS_UNSPECIFIED,
    obligations: { rate_class: "standard", notify: [] },
    valid_until: 1_800_000_300,
    bundle_revision: "0123456789ab-1",
    registry_revision: 12_345,
    registry_age_s: 1,
    decision_id: "AbCdEfGhIjKl-zzzz",
    cached: true,
  },
};

const server = new grpc.Server();
server.addService(DecisionServiceService, {
  checkPublish: (
    _call: grpc.ServerUnaryCall<wire.CheckPublishRequest, wire.CheckPublishResponse>,
    callback: grpc.sendUnaryData<wire.CheckPublishResponse>,
  ) => callback(null, response),
} as unknown as grpc.UntypedServiceImplementation);
server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  process.stdout.write(`listening ${port}\n`);
});
process.on("SIGTERM", () => server.forceShutdown());
