/**
 * Stories of a fleet at a real broker: `examples/mqtt-broker` with the decision service inside its process,
 * and the same adapter asking over gRPC, call by call and attached; real MQTT clients, real certificates, the real policy.
 */
import { join } from "node:path";
import type { MqttClient } from "mqtt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { certificateOf, describeDevices, type Login, open } from "./devices.ts";
import type { DeviceName } from "./fleet.ts";
import { eventually, type Stack, startStack } from "./stack.ts";

const topicOf = (device: string, stream: string): string => `t/acme/d/${device}/${stream}`;

for (const mode of ["in process", "over gRPC", "attached"] as const) {
  describe(`a broker that asks ${mode}`, () => {
    let stack: Stack;

    beforeAll(async () => {
      stack = await startStack(mode);
    });
    afterAll(() => stack[Symbol.asyncDispose]());

    const login = (device: DeviceName, as: string = device): Login => ({
      clientId: as,
      certificate: certificateOf(stack.fleet.dir, device),
    });

    describeDevices("a device", (device) => {
      const publish = (who: Login, topic: string) => device.publish(stack.target, who, topic);
      const subscribe = (who: Login, filter: string) => device.subscribe(stack.target, who, filter);

      it("that is attested publishes, sensitive telemetry included", async () => {
        for (const stream of ["ops/power", "hv/load-curve", "sec/log"]) {
          const topic = topicOf("meter-ok", stream);
          expect(await publish(login("meter-ok"), topic)).toBe("done");
          expect(await stack.delivered(topic)).toBe(true);
        }
        expect(await subscribe(login("meter-ok"), "t/acme/d/meter-ok/cmd/#")).toBe("done");
      });

      it("that is outdated connects but loses its sensitive topics", async () => {
        const ops = topicOf("meter-old", `ops/${device.name}`);
        const hv = topicOf("meter-old", `hv/${device.name}`);
        expect(await publish(login("meter-old"), ops)).toBe("done");
        expect(await publish(login("meter-old"), hv)).toBe("refused");
        expect(await stack.delivered(ops)).toBe(true);
        expect(await stack.delivered(hv)).toBe(false);
        expect(stack.reasons("publish").slice(-2)).toEqual(["ok_degraded", "firmware_outside_patch_window"]);
      });

      it("under another device's client id gets no session: its certificate is not that device's", async () => {
        const topic = topicOf("meter-ok", `ops/stolen-${device.name}`);
        expect(await publish(login("meter-other", "meter-ok"), topic)).toBe("no session");
        expect(await stack.delivered(topic)).toBe(false);
        expect(stack.reasons("connect").at(-1)).toBe("credential_binding_mismatch");
      });

      it("whose certificate was revoked gets no session", async () => {
        expect(await publish(login("meter-revoked"), topicOf("meter-revoked", "ops/x"))).toBe("no session");
        expect(stack.reasons("connect").at(-1)).toBe("credential_revoked");
      });

      it("whose certificate a stranger issued, or that shows none, gets no session", async () => {
        const stranger = certificateOf(join(stack.fleet.dir, "stranger"), "meter-ok");
        const topic = topicOf("meter-ok", "ops/x");
        expect(await publish({ clientId: "meter-ok", certificate: stranger }, topic)).toBe("no session");
        expect(await publish({ clientId: "meter-ok" }, topic)).toBe("no session");
        expect(await publish({ clientId: "meter-ok", username: "meter-ok" }, topic)).toBe("no session");
        expect(stack.reasons("connect").slice(-3)).toEqual(Array(3).fill("credential_missing"));
      });

      it("that nobody knows gets no session, though its certificate is genuine", async () => {
        expect(await publish(login("meter-ghost"), topicOf("meter-ghost", "ops/x"))).toBe("no session");
        expect(stack.reasons("connect").at(-1)).toBe("device_unknown");
      });

      it("publishes on no foreign topic", async () => {
        for (const topic of ["t/acme/d/meter-other/ops/x", "t/globex/d/meter-ok/ops/x", "$SYS/x", "x"]) {
          expect(await publish(login("meter-ok"), topic), topic).toBe("refused");
          expect(await stack.delivered(topic), topic).toBe(false);
        }
      });

      it("subscribes to nothing wider than its own", async () => {
        const tooWide = [
          "#",
          "t/acme/d/+/cmd/#",
          "t/acme/#",
          "t/acme/d/meter-other/cmd/#",
          "$SYS/#",
          "$share/g/#",
        ];
        for (const filter of tooWide)
          expect(await subscribe(login("meter-ok"), filter), filter).toBe("refused");
      });
    });

    describe("a session", () => {
      const session = async (device: DeviceName): Promise<MqttClient> => {
        const client = await open(stack.target, login(device));
        if (client === undefined) throw new Error(`${device} got no session`);
        return client;
      };

      it("loses a right with the next message, once a fact has changed in the fleet's file", async () => {
        const client = await session("meter-other");
        const topic = topicOf("meter-other", "ops/power");
        await client.publishAsync(topic, "1", { qos: 1 });
        expect(await stack.delivered(topic)).toBe(true);
        const quarantine = {
          active: true,
          mode: "constrain",
          since: Math.floor(Date.now() / 1000),
          by: "ir-5",
        };
        await stack.fleet.change("meter-other", { state: { lifecycle: "quarantined", quarantine } });
        const closed = new Promise<void>((resolve) => client.once("close", () => resolve()));
        const timer = setInterval(() => client.connected && client.publish(topic, "2", { qos: 1 }), 50);
        await closed;
        clearInterval(timer);
        expect(stack.reasons("publish").at(-1)).toBe("device_quarantined");
        // It comes back to the channel that is left to it, and its old rights come back with its old facts.
        const again = await session("meter-other");
        await again.publishAsync(topicOf("meter-other", "sec/log"), "3", { qos: 1 });
        expect(await stack.delivered(topicOf("meter-other", "sec/log"))).toBe(true);
        again.end(true);
        await stack.fleet.change("meter-other", {
          state: { lifecycle: "active", quarantine: { ...quarantine, active: false } },
        });
        const healed = await eventually(
          async () => (await stack.ask(login("meter-other"), topic)) === "done",
          10_000,
        );
        expect(healed).toBe(true);
      });

      it("ends with the facts that justified it", async () => {
        const now = Math.floor(Date.now() / 1000);
        await stack.fleet.change("meter-short", { support: { support_ends_at: now + 5 } });
        const due = await eventually(async () => (await stack.ttlOf(login("meter-short"))) <= 5, 4000);
        expect(due).toBe(true);
        const client = await session("meter-short");
        const start = Date.now();
        await new Promise<void>((resolve) => client.once("close", () => resolve()));
        expect(Date.now() - start).toBeLessThan(6500);
        expect(Math.floor(Date.now() / 1000)).toBeGreaterThanOrEqual(now + 4);
        expect(stack.ended.get("meter-short")).toBe("session time is over");
      });
    });
  });
}
