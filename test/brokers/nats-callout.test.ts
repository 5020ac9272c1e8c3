/** A real nats-server that asks at each connect: NATS and MQTT 3.1.1 clients. */
import { setTimeout as sleep } from "node:timers/promises";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import mqtt, { type MqttClient } from "mqtt";
import { afterAll, beforeAll, expect, it } from "vitest";
import { describeWithNats } from "../nats.ts";
import { type NatsBehind, startNatsBehind } from "./nats-behind.ts";
import { quarantined, released, secretOf } from "./service.ts";

describeWithNats("nats-server asks at each connect, sealed", () => {
  let behind: NatsBehind;
  const open: (NatsConnection | MqttClient)[] = [];

  beforeAll(async () => {
    behind = await startNatsBehind();
  }, 60_000);

  afterAll(async () => {
    for (const each of open) await ("end" in each ? each.endAsync(true) : each.close());
    await behind?.[Symbol.asyncDispose]();
  });

  const join = async (name: string, pass: string): Promise<NatsConnection> => {
    const connection = await connect({
      servers: behind.nats,
      name,
      user: name,
      pass,
      reconnect: false,
      timeout: 5000,
    });
    open.push(connection);
    return connection;
  };
  const device = async (clientId: string, password = secretOf(clientId)): Promise<MqttClient> => {
    const client = await mqtt.connectAsync(`mqtt://${behind.mqtt}`, {
      clientId,
      username: clientId,
      password,
      reconnectPeriod: 0,
    });
    client.on("error", () => {});
    open.push(client);
    return client;
  };

  it("verifies the secret, and permits what is granted and nothing else", async () => {
    await expect(join("m-1", "wrong")).rejects.toThrow(/authorization|Authorization/i);
    const connection = await join("m-1", secretOf("m-1"));
    const failures: string[] = [];
    void (async () => {
      for await (const status of connection.status())
        if (status.type === "error") failures.push(String(status.error));
    })();
    connection.publish("t.acme.d.m-1.ops.power", "1");
    await connection.flush();
    expect(failures).toEqual([]);
    connection.publish("t.acme.d.m-2.ops.power", "1");
    await connection.flush();
    connection.subscribe(">", { callback: () => {} });
    connection.subscribe("t.acme.d.m-1.cmd.>", { callback: () => {} });
    await connection.flush();
    await sleep(200);
    expect(failures.join("\n")).toMatch(/Publish to "t\.acme\.d\.m-2\.ops\.power"/i);
    expect(failures.join("\n")).toMatch(/Subscription to ">"/i);
    expect(failures.join("\n")).not.toMatch(/m-1\.cmd/);
  });

  it("does the same for MQTT: `#` reaches the level itself, NATS wildcards reach nothing", async () => {
    await expect(device("m-2", "wrong")).rejects.toThrow();
    const client = await device("m-2");
    const granted = async (filter: string): Promise<boolean> =>
      (await client.subscribeAsync(filter, { qos: 1 }).catch(() => [])).every(({ qos }) => qos !== 128);
    expect(await granted("t/acme/d/m-2/cmd/#")).toBe(true);
    expect(
      (await client.subscribeAsync("t/acme/d/+/cmd/#", { qos: 1 }).catch(() => [{ qos: 128 }]))[0]?.qos,
    ).toBe(128);
    expect((await client.subscribeAsync(">", { qos: 1 }).catch(() => [{ qos: 128 }]))[0]?.qos).toBe(128);
  });

  it("kicks a session whose device is quarantined", async () => {
    const client = await device("m-1");
    const gone = new Promise<void>((resolve) => client.once("close", () => resolve()));
    behind.premises.change("m-1", quarantined);
    await behind.app.reload();
    await gone;
    await expect(device("m-1")).rejects.toThrow();
    behind.premises.change("m-1", released);
    await behind.app.reload();
    expect((await device("m-1")).connected).toBe(true);
  }, 60_000);

  it("ends a session with its JWT, which ends with the session's own time", async () => {
    const ends = Math.floor(Date.now() / 1000) + 4;
    behind.premises.change("m-2", { credentials: { "fp-m-2": { not_after: ends } } });
    await behind.app.reload();
    const client = await device("m-2");
    const connection = await join("m-2", secretOf("m-2"));
    const gone = new Promise<number>((resolve) => client.once("close", () => resolve(Date.now())));
    await connection.closed();
    // nats-server counts from the moment of the answer, in whole seconds.
    expect(Date.now()).toBeGreaterThan((ends - 2) * 1000);
    expect(await gone).toBeGreaterThan((ends - 2) * 1000);
    await expect(device("m-2")).rejects.toThrow();
  }, 60_000);
});
