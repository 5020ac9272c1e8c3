/** What a device presents to the real broker is what the decider gets to see. */
import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Broker, startBroker } from "../../examples/mqtt-broker/broker.ts";
import { RecordingDecider } from "../adapters/recording-decider.ts";
import { certificateOf, describeDevices, type Target } from "./devices.ts";
import { type Fleet, makeFleet } from "./fleet.ts";

let fleet: Fleet;
let broker: Broker;
let target: Target;
const decider = new RecordingDecider();

beforeAll(async () => {
  fleet = await makeFleet();
  const tls = {
    cert: await fleet.read("broker.pem"),
    key: await fleet.read("broker.key"),
    ca: await fleet.read("ca.pem"),
  };
  broker = await startBroker({ port: 0, tls, decider });
  target = { port: broker.port, ca: join(fleet.dir, "ca.pem") };
});

afterAll(async () => {
  await broker[Symbol.asyncDispose]();
  await fleet[Symbol.asyncDispose]();
});

describeDevices("a device", (device) => {
  const topic = "t/acme/d/meter-ok/ops/power";
  const proofOf = async (login: { certificate?: string; username?: string; password?: string }) => {
    decider.asked.length = 0;
    expect(await device.publish(target, { clientId: "meter-ok", ...login }, topic)).toBe("done");
    return decider.of("publish")[0]?.subject.proof;
  };

  it("brings its certificate, leaf first, DER as in its file", async () => {
    const proof = await proofOf({ certificate: certificateOf(fleet.dir, "meter-ok") });
    const leaf = new X509Certificate(await fleet.read("meter-ok.pem"));
    expect(proof).toMatchObject({ type: "x509" });
    if (proof === null || proof === undefined || "key" in proof || proof.type !== "x509") return;
    expect(Buffer.from(proof.chain[0] ?? []).equals(leaf.raw)).toBe(true);
    expect(leaf.subjectAltName).toBe("URI:spiffe://prod.devices.acme.example/tenant/acme/device/meter-ok");
  });

  it("brings a certificate of a stranger's authority as well: judging it is not the broker's business", async () => {
    const proof = await proofOf({ certificate: certificateOf(join(fleet.dir, "stranger"), "meter-ok") });
    expect(proof).toMatchObject({ type: "x509" });
  });

  it("brings a token, a secret, or nothing", async () => {
    expect(await proofOf({ username: "x", password: "eyJh.e30.c2ln" })).toEqual({
      type: "jwt",
      token: "eyJh.e30.c2ln",
    });
    expect(await proofOf({ username: "meter-ok", password: "pw" })).toEqual({
      type: "secret",
      name: "meter-ok",
      secret: "pw",
    });
    expect(await proofOf({ username: "meter-ok" })).toBeNull();
    expect(await proofOf({})).toBeNull();
  });
});
