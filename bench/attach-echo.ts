/** The yardstick of attached streams: a bare grpc-js stream that answers every batch with as many fixed results. */
import type grpc from "@grpc/grpc-js";
import type * as wire from "../src/gen/sallyport/v1/broker.ts";
import { BrokerServiceService } from "../src/gen/sallyport/v1/broker.ts";
import { decision, serveEcho } from "./echo.ts";

const result: wire.AttachedResult = {
  decision,
  usable_ms: 60_000,
  rests_on: ["device:meter-100", "tenant:acme", "firmware_policy:acme/meter"],
  fail_static_ms: 0,
};

serveEcho(BrokerServiceService, {
  attach: (stream: grpc.ServerDuplexStream<wire.AttachRequest, wire.AttachResponse>) => {
    stream.on("data", ({ message }: wire.AttachRequest) => {
      if (message?.$case !== "checks") return;
      const { batch_id, items } = message.value;
      const results = items.map(() => result);
      stream.write({ message: { $case: "results", value: { batch_id, position: 1, results, once_ms: 0 } } });
    });
    stream.on("end", () => stream.end());
  },
});
