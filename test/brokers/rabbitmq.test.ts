/** A real RabbitMQ with MQTT that asks over HTTP, and whose connections are closed through its management API. */
import { execFile } from "node:child_process";
import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import { afterAll, beforeAll, expect, it } from "vitest";
import { kickRabbit } from "../../src/adapters/rabbitmq/rabbitmq.ts";
import { serveProcesses } from "../processes.ts";
import { describeWithRabbit, type Rabbit } from "../rabbit.ts";
import { type RabbitBehind, startRabbitBehind } from "./rabbit-behind.ts";
import { type Premises, quarantined, released, secretOf, startIn } from "./service.ts";
import { eventually } from "./stack.ts";

/** What a client is told that is not let in. */
const out = /Connection refused: (Not authorized|Bad username or password)/;
const topicOf = (device: string, stream: string): string => `t/acme/d/${device}/${stream}`;

describeWithRabbit("RabbitMQ asks over HTTP", () => {
  let behind: RabbitBehind;
  let rabbit: Rabbit;
  let premises: Premises;
  /** What a back-end reads. */
  const arrived: string[] = [];
  const open: MqttClient[] = [];

  beforeAll(async () => {
    behind = await startRabbitBehind();
    ({ premises, rabbit } = behind);
    const reader = await device("svc-1");
    reader.on("message", (topic) => void arrived.push(topic));
    await reader.subscribeAsync(["t/acme/d/+/ops/#", "t/acme/d/+/hv/#"], { qos: 1 });
  }, 180_000);

  afterAll(async () => {
    for (const client of open) await client.endAsync(true);
    await behind?.[Symbol.asyncDispose]();
  }, 60_000);

  async function device(
    clientId: string,
    password = secretOf(clientId),
    more: Partial<IClientOptions> = {},
  ): Promise<MqttClient> {
    const client = await mqtt.connectAsync(`mqtt://${rabbit.mqtt}`, {
      clientId,
      username: clientId,
      password,
      reconnectPeriod: 0,
      protocolVersion: 4,
      ...more,
    });
    client.on("error", () => {});
    open.push(client);
    return client;
  }
  const refused = async (...login: Parameters<typeof device>): Promise<string> =>
    device(...login).then(
      () => "connected",
      (thrown: Error) => thrown.message,
    );
  const closed = (client: MqttClient): Promise<boolean> => eventually(() => !client.connected, 15_000);
  /** Publishes, and says what became of it: acknowledged, or the connection. */
  const publish = async (client: MqttClient, topic: string): Promise<"acknowledged" | "closed"> => {
    const gone = new Promise<"closed">((resolve) => client.once("close", () => resolve("closed")));
    const said = client.publishAsync(topic, "42", { qos: 1 }).then(
      () => "acknowledged" as const,
      () => "closed" as const,
    );
    return Promise.race([gone, said]);
  };
  const reaches = (topic: string): Promise<boolean> => eventually(() => arrived.includes(topic), 10_000);

  it("lets an attested device publish, and its reader receive", async () => {
    const client = await device("m-1");
    for (const stream of ["ops/power", "hv/load-curve"]) {
      expect(await publish(client, topicOf("m-1", stream))).toBe("acknowledged");
      expect(await reaches(topicOf("m-1", stream)), stream).toBe(true);
    }
    expect((await client.subscribeAsync(topicOf("m-1", "cmd/#"), { qos: 1 }))[0]?.qos).toBe(1);
  });

  it("takes its sensitive topics from one whose firmware is old: the connection closes", async () => {
    const client = await device("m-old");
    expect(await publish(client, topicOf("m-old", "ops/power"))).toBe("acknowledged");
    expect(await publish(client, topicOf("m-old", "hv/load-curve"))).toBe("closed");
    expect(await reaches(topicOf("m-old", "ops/power"))).toBe(true);
    expect(arrived).not.toContain(topicOf("m-old", "hv/load-curve"));
  });

  it("verifies the secret, and the id that it belongs to", async () => {
    expect(await refused("m-1", "wrong")).toMatch(out);
    expect(await refused("m-1", secretOf("m-2"))).toMatch(out);
    expect(await refused("m-ghost"), "nobody knows it").toMatch(out);
    expect(await refused("m-1", secretOf("m-2"), { username: "m-2" }), "under another's client id").toMatch(
      out,
    );
    expect(
      await refused("m-1", secretOf("m-1"), { username: "other:m-1" }),
      "in another virtual host",
    ).toMatch(out);
  });

  it("refuses what the management user's name opens elsewhere", async () => {
    const { password, user } = rabbit.api;
    expect(await refused("m-1", password, { username: user })).toMatch(out);
  });

  it("lets nobody publish on a foreign topic", async () => {
    for (const topic of [topicOf("m-1", "ops/stolen"), "t/globex/d/m-2/ops/x", "x"]) {
      expect(await publish(await device("m-2"), topic), topic).toBe("closed");
      expect(arrived).not.toContain(topic);
    }
  });

  it("grants no subscription that reaches beyond the device", async () => {
    for (const filter of ["#", "t/acme/d/+/cmd/#", "t/acme/d/m-1/cmd/#", "t/+/d/m-2/cmd/#"]) {
      const client = await device("m-2");
      const granted = await client.subscribeAsync(filter, { qos: 1 }).catch(() => [{ qos: 128 }]);
      expect(granted[0]?.qos, filter).toBe(128);
    }
  });

  it("says the same to mosquitto_pub", async (context) => {
    const [host, port] = rabbit.mqtt.split(":") as [string, string];
    const run = (id: string, secret: string, topic: string): Promise<string> =>
      new Promise((resolve) => {
        const args = [
          "-h",
          host,
          "-p",
          port,
          "-i",
          id,
          "-u",
          id,
          "-P",
          secret,
          "-t",
          topic,
          "-m",
          "1",
          "-q",
          "1",
        ];
        execFile("mosquitto_pub", args, { timeout: 10_000 }, (error, stdout, stderr) => {
          const missing = (error as NodeJS.ErrnoException | null)?.code === "ENOENT";
          resolve(missing ? "missing" : error === null ? "done" : `${stdout}${stderr}`);
        });
      });
    const topic = topicOf("m-2", "ops/mosquitto");
    const said = await run("m-2", secretOf("m-2"), topic);
    if (said === "missing" && !process.env["CI"]) context.skip("NOT RUN: mosquitto clients");
    expect(said).toBe("done");
    expect(await reaches(topic)).toBe(true);
    expect(await run("m-2", "wrong", topic)).toMatch(/not authori[sz]ed|refused/i);
  });

  it("closes a connection whose device is quarantined, however busy it is, and lets nobody back in", async () => {
    const client = await device("m-1");
    expect(await publish(client, topicOf("m-1", "ops/busy"))).toBe("acknowledged");
    premises.change("m-1", quarantined);
    await behind.app.reload();
    expect(await closed(client)).toBe(true);
    expect(await eventually(() => rabbit.log.includes("device_quarantined"), 10_000)).toBe(true);
    expect(await refused("m-1")).toMatch(out);
    premises.change("m-1", released);
    await behind.app.reload();
    expect((await device("m-1")).connected).toBe(true);
  }, 60_000);

  it("tells the clients of one user apart", async () => {
    const copy = (client: string) => device(client, secretOf("svc-1"), { username: "svc-1" });
    const [first, second] = [await copy("svc-1:2"), await copy("svc-1:3")];
    await kickRabbit(rabbit.api, { clientId: "svc-1:2", username: "svc-1" }, "a test");
    expect(await closed(first)).toBe(true);
    expect([second.connected, open[0]?.connected]).toEqual([true, true]);
  }, 60_000);

  it("fires the will of a device that died, and not of one that was thrown out", async () => {
    const dying = (stream: string): Promise<MqttClient> =>
      device("m-1", secretOf("m-1"), {
        will: { topic: topicOf("m-1", stream), payload: Buffer.from("gone"), qos: 1, retain: false },
      });
    (await dying("ops/died")).stream.destroy();
    expect(await reaches(topicOf("m-1", "ops/died"))).toBe(true);
    const client = await dying("ops/thrown-out");
    premises.change("m-1", quarantined);
    await behind.app.reload();
    expect(await closed(client)).toBe(true);
    // What comes after it has arrived.
    expect(await publish(await device("m-2"), topicOf("m-2", "ops/after"))).toBe("acknowledged");
    expect(await reaches(topicOf("m-2", "ops/after"))).toBe(true);
    expect(arrived).not.toContain(topicOf("m-1", "ops/thrown-out"));
    premises.change("m-1", released);
    await behind.app.reload();
  }, 60_000);

  it("asks nobody twice about what it remembers: only closing helps", async () => {
    const client = await device("m-2");
    const topic = topicOf("m-2", "ops/remembered");
    expect(await publish(client, topic)).toBe("acknowledged");
    await behind.app.close();
    try {
      // Remembered without a limit: that is why a revocation closes.
      expect(await publish(client, topic)).toBe("acknowledged");
      // What it has to ask about is refused while nobody answers, and so is everyone who connects.
      expect(await publish(client, topicOf("m-2", "ops/new"))).toBe("closed");
      expect(await refused("m-2")).toMatch(out);
    } finally {
      behind.app = await startIn(premises);
    }
    expect((await device("m-2")).connected).toBe(true);
    expect(arrived).not.toContain(topicOf("m-2", "ops/new"));
  }, 60_000);

  it("is answered by a service of several processes, also when one of them is killed", async () => {
    await behind.app.close();
    try {
      const settings = { workers: 2, log: { level: "info" }, shutdown: { drain_s: 1 } };
      await using service = await serveProcesses(premises.configured(settings));
      const client = await device("m-1");
      let turn = 0;
      const publishes = (): Promise<string> => publish(client, topicOf("m-1", `ops/turn-${++turn}`));
      expect(await publishes()).toBe("acknowledged");
      const [[number, pid]] = [...service.workers()] as [[number, number]];
      process.kill(pid, "SIGKILL");
      await service.until("it has ended", () => service.workers().get(number) !== pid);
      // Topics that RabbitMQ has to ask about: whoever answers knows the session.
      for (let more = 0; more < 4; more++) expect(await publishes()).toBe("acknowledged");
      await service.until("it is replaced", () => (service.workers().get(number) ?? pid) !== pid);
      expect(await publishes()).toBe("acknowledged");
      premises.change("m-1", quarantined);
      service.child.kill("SIGHUP");
      expect(await closed(client)).toBe(true);
      expect(await refused("m-1")).toMatch(out);
      premises.change("m-1", released);
    } finally {
      behind.app = await startIn(premises);
    }
  }, 120_000);
});
