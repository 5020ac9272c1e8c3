/** A real broker that is attached: trust that is withdrawn reaches its sessions in the same moment, with a receipt. */
import { credentials } from "@grpc/grpc-js";
import type { MqttClient } from "mqtt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AdminServiceClient, type QuarantineResponse } from "../../src/gen/sallyport/v1/admin.ts";
import { certificateOf, open } from "./devices.ts";
import type { DeviceName } from "./fleet.ts";
import { eventually, type Stack, startStack } from "./stack.ts";

let stack: Stack;
let admin: AdminServiceClient;

beforeAll(async () => {
  stack = await startStack("attached");
  admin = new AdminServiceClient(stack.app.grpcAddress, credentials.createInsecure());
}, 120_000);
afterAll(async () => {
  admin?.close();
  await stack?.[Symbol.asyncDispose]();
});

const login = (device: DeviceName) => ({
  clientId: device,
  certificate: certificateOf(stack.fleet.dir, device),
});
async function session(device: DeviceName): Promise<MqttClient> {
  const client = await open(stack.target, login(device));
  if (client === undefined) throw new Error(`${device} got no session`);
  return client;
}
const quarantine = (device_id: string, mode: string): Promise<QuarantineResponse> =>
  new Promise((resolve, reject) => {
    const request = { device_id, mode, reason: "test", expires_at: 0, author: "", wait: true };
    admin.quarantine(request, (error, answer) => (error ? reject(error) : resolve(answer)));
  });
const sessions = (): number => stack.app.attachments.sessions;

describe("an attached broker", { timeout: 120_000 }, () => {
  it("announces its sessions while they are open, and says when they are gone", async () => {
    const [one, two] = [await session("meter-ok"), await session("meter-old")];
    expect(await eventually(() => sessions() === 2, 10_000)).toBe(true);
    one.end(true);
    expect(await eventually(() => sessions() === 1, 10_000)).toBe(true);
    two.end(true);
    expect(await eventually(() => sessions() === 0, 10_000)).toBe(true);
  });

  it("closes the connection of a device that is cut off, before the receipt is given", async () => {
    const client = await session("meter-other");
    const other = await session("meter-ok");
    expect(await eventually(() => sessions() === 2, 10_000)).toBe(true);
    let closed = false;
    client.once("close", () => {
      closed = true;
    });
    const { receipt } = await quarantine("meter-other", "block");
    expect(receipt).toMatchObject({
      complete: true,
      evicted: [{ peer: "mqtt-broker", client: "aedes/0" }],
      sessions_closed: 1,
      sessions_kept: 0,
      fenced: [],
      unreachable: [],
      uncovered: [],
    });
    expect(stack.ended.get("meter-other")).toBe("disconnect");
    // The device has said nothing: the broker hung up on it.
    expect(await eventually(() => closed, 10_000)).toBe(true);
    expect(other.connected).toBe(true);
    expect(await open(stack.target, login("meter-other"))).toBeUndefined();
    other.end(true);
  });

  it("takes away the subscriptions that a constrained device loses, and keeps its session", async () => {
    const client = await session("meter-ok");
    const got: string[] = [];
    client.on("message", (topic) => got.push(topic));
    const filters = ["t/acme/d/meter-ok/cmd/#", "t/acme/d/meter-ok/mgmt/#"];
    for (const filter of filters) {
      const [granted] = await client.subscribeAsync(filter, { qos: 0 });
      expect(granted?.qos).not.toBe(128);
    }
    await stack.publish("t/acme/d/meter-ok/cmd/a");
    expect(await eventually(() => got.length === 1, 10_000)).toBe(true);
    const { receipt } = await quarantine("meter-ok", "constrain");
    expect(receipt).toMatchObject({ complete: true, sessions_closed: 0, sessions_kept: 1, uncovered: [] });
    await stack.publish("t/acme/d/meter-ok/cmd/b");
    await stack.publish("t/acme/d/meter-ok/mgmt/c");
    expect(await eventually(() => got.length === 2, 10_000)).toBe(true);
    expect(got).toEqual(["t/acme/d/meter-ok/cmd/a", "t/acme/d/meter-ok/mgmt/c"]);
    // The session is now one of a quarantined device: its time is that of the answer that let it stay.
    expect(stack.reasons("connect").at(-1)).toBe("ok_quarantine_channel");
    expect(client.connected).toBe(true);
    client.end(true);
  });
});
