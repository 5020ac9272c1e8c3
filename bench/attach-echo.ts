/** The yardstick of attached streams: a bare grpc-js stream that answers every batch with as many fixed results. */
import grpc from "@grpc/grpc-js";
import type * as wire from "../src/gen/sallyport/v1/broker.ts";
import { BrokerServiceService } from "../src/gen/sallyport/v1/broker.ts";
import { RetryClass } from "../src/gen/sallyport/v1/decision.ts";

// As many fields and bytes as a real answer has.
const result: wire.AttachedResult = {
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
  usable_ms: 60_000,
  rests_on: ["device:meter-100", "tenant:acme", "firmware_policy:acme/meter"],
};

const server = new grpc.Server();
server.addService(BrokerServiceService, {
  attach: (stream: grpc.ServerDuplexStream<wire.AttachRequest, wire.AttachResponse>) => {
    stream.on("data", ({ message }: wire.AttachRequest) => {
      if (message?.$case !== "checks") return;
      const { batch_id, items } = message.value;
      const results = items.map(() => result);
      stream.write({ message: { $case: "results", value: { batch_id, position: 1, results } } });
    });
    stream.on("end", () => stream.end());
  },
} as unknown as grpc.UntypedServiceImplementation);
server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  process.stdout.write(`listening ${port}\n`);
});
process.on("SIGTERM", () => server.forceShutdown());
