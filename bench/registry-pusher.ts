/**
 * Feeds a service over gRPC from a process of its own: `registry-pusher.ts ADDRESS DEVICES deltas SECONDS`, or
 * `... snapshot GENERATION`. Prints what was in force when the last acknowledgement came, as JSON.
 */
import { once } from "node:events";
import { credentials } from "@grpc/grpc-js";
import {
  RegistryServiceClient,
  type SyncRequest,
  type SyncResponse,
} from "../src/gen/sallyport/v1/registry.ts";
import { deviceAt, fleetOf } from "./synthetic-fleet.ts";

const [address = "", devices = "0", mode = "", amount = "0"] = process.argv.slice(2);
const size = Number(devices);
const batchSize = 128;
const client = new RegistryServiceClient(address, credentials.createInsecure());
const call = client.sync();
let acknowledged = 0;
let resume = 0;
let refused = "";
const ended = once(call, "end");
call.on("data", ({ message }: SyncResponse) => {
  if (message?.$case === "ack") acknowledged = message.value.revision;
  else if (message?.$case === "welcome") resume = message.value.resume;
  else if (message?.$case === "resync") refused = message.value.detail;
});
const send = async (message: SyncRequest["message"]): Promise<void> => {
  if (!call.write({ message })) await once(call, "drain");
};
await send({
  $case: "hello",
  value: { source: "", epoch: "bench", confirm_deletions: true, takes_duties: false },
});
while (resume === 0) await new Promise((resolve) => setTimeout(resolve, 5));

const started = performance.now();
let sent = 0;
if (mode === "deltas") {
  const until = started + Number(amount) * 1000;
  let revision = resume;
  while (performance.now() < until) {
    const requests: SyncRequest[] = [];
    for (let each = 0; each < batchSize; each++) {
      const record = deviceAt((sent * 7919) % size, 1, revision % 1000);
      const value = { kind: "device", record_json: JSON.stringify(record), prev: revision, version: 0 };
      requests.push({ message: { $case: "upsert", value: { ...value, revision: ++revision } } });
      sent++;
    }
    await send({ $case: "batch", value: { requests } });
    // No more is on its way than the service takes in a moment.
    while (revision - Math.max(acknowledged, resume) > 4096)
      await new Promise((resolve) => setTimeout(resolve, 1));
  }
} else {
  const revision = resume + 1;
  await send({ $case: "begin_snapshot", value: { revision } });
  let requests: SyncRequest[] = [];
  for (const [kind, record] of fleetOf(size)) {
    const state = "credentials" in record ? { state: { ...record.state, last_seq: Number(amount) } } : {};
    const record_json = JSON.stringify({ ...record, ...state });
    const value = { kind, record_json, revision: 0, prev: 0, version: 0 };
    requests.push({ message: { $case: "upsert", value } });
    sent++;
    if (requests.length < batchSize) continue;
    await send({ $case: "batch", value: { requests } });
    requests = [];
  }
  await send({ $case: "batch", value: { requests } });
  await send({ $case: "end_snapshot", value: { count: sent, checksum: "" } });
}
call.end();
await ended;
const seconds = (performance.now() - started) / 1000;
process.stdout.write(JSON.stringify({ sent, seconds, per_s: sent / seconds, refused }));
client.close();
