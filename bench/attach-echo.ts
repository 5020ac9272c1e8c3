/**
 * The yardstick of attached streams: a bare grpc-js stream that answers every batch with as many fixed results. A list of
 * sessions has it tell one change to every stream that said hello, and answers once all have acknowledged it.
 */
import type grpc from "@grpc/grpc-js";
import * as wire from "../src/gen/sallyport/v1/broker.ts";
import { decision, serveEcho } from "./echo.ts";

const result: wire.AttachedResult = {
  decision,
  usable_ms: 60_000,
  rests_on: ["device:meter-100", "tenant:acme", "firmware_policy:acme/meter"],
  fail_static_ms: 0,
};

type Stream = grpc.ServerDuplexStream<wire.AttachRequest, wire.AttachResponse>;
const told = new Set<Stream>();
let acknowledged = (): void => {};

function fanOut(asking: Stream): void {
  let left = told.size;
  acknowledged = () => {
    left -= 1;
    const value = { batch_id: 0, position: 1, results: [], once_ms: 0 };
    if (left === 0) asking.write({ message: { $case: "results", value } });
  };
  const value = {
    position: 1,
    records: ["device:meter-100"],
    action: wire.SessionAction.SESSION_ACTION_RECHECK,
    session_ids: [],
  };
  for (const stream of told) stream.write({ message: { $case: "change", value } });
}

serveEcho(wire.BrokerServiceService, {
  attach: (stream: Stream) => {
    stream.on("data", ({ message }: wire.AttachRequest) => {
      if (message?.$case === "hello") told.add(stream);
      if (message?.$case === "ack") acknowledged();
      if (message?.$case === "list") fanOut(stream);
      if (message?.$case !== "checks") return;
      const { batch_id, items } = message.value;
      const results = items.map(() => result);
      stream.write({ message: { $case: "results", value: { batch_id, position: 1, results, once_ms: 0 } } });
    });
    stream.on("end", () => {
      told.delete(stream);
      stream.end();
    });
  },
});
