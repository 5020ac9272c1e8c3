/** A sender of records is read no faster than they are put in force: what is not, waits at the sender. */
import { credentials, Metadata } from "@grpc/grpc-js";
import { expect, it, vi } from "vitest";
import * as wire from "../../src/gen/sallyport/v1/registry.ts";
import { deviceIdIn } from "../../src/registry/device-id-in.ts";
import { createRecordValidator } from "../../src/registry/record-validator.ts";
import { openRegistry } from "../../src/registry/registry.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { ownFile } from "../../src/runtime/own-files.ts";
import { registryService } from "../../src/services/registry-service.ts";
import { listenFor } from "../listener.ts";
import { brokerPeer } from "../records.ts";
import { device } from "../registry/records.ts";

it("waits while changes are being put in force, and goes on with nothing lost", {
  timeout: 90_000,
}, async () => {
  await using registry = await openRegistry({ memory: true, clock: systemClock });
  const service = registryService({
    records: registry,
    status: () => registry.status(),
    confirmLoss: () => {},
    idOf: (asked) => deviceIdIn(registry, asked),
    sync: {
      registry,
      validate: createRecordValidator(),
      clock: systemClock,
      maxLostShare: 1,
      silenceMs: 60_000,
    },
    bundle: () => undefined,
  });
  const listener = await listenFor({ ...brokerPeer, kinds: ["feed"] }, service, {
    streamsPerConnection: 4,
    descriptors: ownFile("proto/descriptors.binpb"),
    onFault: () => {},
  });
  const stub = new wire.RegistryServiceClient(listener.address, credentials.createInsecure());
  const call = stub.sync(new Metadata());
  let acked = -1;
  call.on("data", ({ message }: wire.SyncResponse) => {
    if (message?.$case === "ack") acked = message.value.revision;
  });
  call.on("error", () => {});
  const say = (message: wire.SyncRequest["message"], sent?: () => void): void =>
    void call.write({ message }, sent);
  const hello = { source: "", epoch: "e", confirm_deletions: true, takes_duties: false };
  say({ $case: "hello", value: hello });
  say({ $case: "begin_snapshot", value: { revision: 1 } });
  say({ $case: "end_snapshot", value: { count: 0, checksum: "" } });
  await vi.waitFor(() => expect(acked).toBe(1), { timeout: 10_000 });
  // A worker does not answer: a change is in force everywhere, or nowhere acknowledged.
  let open = (): void => {};
  const gate = new Promise<void>((resolve) => (open = resolve));
  const leave = registry.onChange(() => gate);
  const total = 20_000;
  const record = JSON.stringify(device("a"));
  let sent = 0;
  for (let each = 0; each < total; each++) {
    const record_json = record.replace('"hw_rev":"r2"', `"hw_rev":"r${each}"`);
    const value = { kind: "device", record_json, revision: each + 2, prev: each + 1, version: 0 };
    say({ $case: "upsert", value }, () => sent++);
  }
  let before = -1;
  await vi.waitFor(
    () => {
      const still = sent === before;
      before = sent;
      expect(still).toBe(true);
    },
    { timeout: 30_000, interval: 1000 },
  );
  expect(sent).toBeGreaterThan(100);
  expect(sent).toBeLessThan(total / 2);
  expect(acked).toBe(1);
  leave();
  open();
  await vi.waitFor(() => expect(acked).toBe(total + 1), { timeout: 60_000 });
  expect(registry.device("a")?.record?.hw_rev).toBe(`r${total - 1}`);
  call.end();
  stub.close();
  await listener.close(1000);
});
