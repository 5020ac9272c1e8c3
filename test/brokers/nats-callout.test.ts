/** A real nats-server that asks at each connect: NATS and MQTT 3.1.1 clients. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createAccount, createCurve } from "@nats-io/nkeys";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import mqtt, { type MqttClient } from "mqtt";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type App, startApp } from "../../src/app.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import { makeVerifier } from "../../src/identity/verifier.ts";
import { describeWithNats, findNatsServer } from "../nats.ts";
import { deviceRecord, floorRecord, tenantRecord } from "../records.ts";
import { exampleKeysetPath, shippedPath } from "../shipped.ts";

const now = Math.floor(Date.now() / 1000);
/** nats-server writes no MQTT port into its ports file. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8");

describeWithNats("nats-server asks at each connect, sealed", () => {
  const folder = mkdtempSync(join(tmpdir(), "sallyport-callout-"));
  const file = (name: string, content: string): string => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  let server: ChildProcess;
  let app: App;
  let nats = "";
  let mqttUrl = "";
  const open: (NatsConnection | MqttClient)[] = [];

  beforeAll(async () => {
    const port = await freePort();
    mqttUrl = `127.0.0.1:${port}`;
    const issuer = createAccount();
    const xkey = createCurve();
    const config = file(
      "nats.conf",
      `listen: "127.0.0.1:-1"
server_name: callout
jetstream { store_dir: "${join(folder, "js")}" }
mqtt { listen: "${mqttUrl}", reject_qos2_publish: true, downgrade_qos2_subscribe: true }
accounts {
  AUTH { users: [ { user: sallyport, password: pw } ] }
  APP { jetstream: enabled }
  SYS { users: [ { user: sys, password: pw } ] }
}
system_account: SYS
authorization { auth_callout { issuer: ${issuer.getPublicKey()}, account: AUTH, auth_users: [ sallyport, sys ], xkey: ${xkey.getPublicKey()} } }
`,
    );
    const command = findNatsServer() ?? "nats-server";
    server = spawn(command, ["-c", config, "--ports_file_dir", folder], { stdio: "ignore" });
    for (let waited = 0; nats === "" && waited < 10_000; waited += 50) {
      await sleep(50);
      const name = readdirSync(folder).find((each) => each.endsWith(".ports"));
      const ports = name === undefined ? "" : readFileSync(join(folder, name), "utf8");
      nats = /"nats":\s*\[\s*"nats:\/\/(127\.0\.0\.1:\d+)"/.exec(ports)?.[1] ?? "";
    }
    const registered = (id: string) => ({
      kind: "device",
      record: deviceRecord(id, now, {
        credentials: {
          [`fp-${id}`]: {
            type: "psk",
            not_before: now - 100,
            not_after: now + 86_400,
            verifier: makeVerifier("secret"),
          },
        },
      }),
    });
    const records = [
      { kind: "tenant", record: tenantRecord("acme", { model: "gateway_mediated" }) },
      { kind: "firmware_policy", record: floorRecord("acme", "meter", now) },
      registered("m-1"),
      registered("m-2"),
    ];
    const place = { env: "prod", region: "eu-west", endpoint: "ep-telemetry" };
    const settings = {
      grpc: { listen: "127.0.0.1:0" },
      http: { listen: "127.0.0.1:0" },
      bundle: { file: shippedPath, keyset: exampleKeysetPath },
      overrides: { initialize: true },
      registry: {
        dir: join(folder, "registry"),
        file: { path: file("fleet.ndjson", records.map((each) => `${JSON.stringify(each)}\n`).join("")) },
      },
      peers: [{ name: "nats", match: { loopback: true }, ...place, tenants: ["*"] }],
      brokers: [
        {
          name: "edge",
          dialect: "nats",
          peer: "nats",
          max_qos: 1,
          may_retain: false,
          rate_classes: ["standard"],
          nats: {
            servers: [nats],
            user: "sallyport",
            password: file("pw", "pw"),
            issuer_seed: file("issuer", text(issuer.getSeed())),
            xkey_seed: file("xkey", text(xkey.getSeed())),
            account: "APP",
            system: { user: "sys", password: file("pw", "pw") },
          },
        },
      ],
      decision_log: { sink: "none" },
      log: { level: "silent" },
    };
    app = await startApp(loadConfig({ file: file("sallyport.json", JSON.stringify(settings)), cwd: folder }));
  }, 60_000);

  afterAll(async () => {
    for (const each of open) await ("end" in each ? each.endAsync(true) : each.close());
    await app.close();
    server.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });

  const join1 = async (name: string, pass: string): Promise<NatsConnection> => {
    const connection = await connect({
      servers: nats,
      name,
      user: name,
      pass,
      reconnect: false,
      timeout: 5000,
    });
    open.push(connection);
    return connection;
  };

  it("verifies the secret, and permits what is granted and nothing else", async () => {
    await expect(join1("m-1", "wrong")).rejects.toThrow(/authorization|Authorization/i);
    const connection = await join1("m-1", "secret");
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

  const device = async (clientId: string, password: string): Promise<MqttClient> => {
    const client = await mqtt.connectAsync(`mqtt://${mqttUrl}`, {
      clientId,
      username: clientId,
      password,
      reconnectPeriod: 0,
    });
    open.push(client);
    return client;
  };

  it("does the same for MQTT: `#` reaches the level itself, NATS wildcards reach nothing", async () => {
    await expect(device("m-2", "wrong")).rejects.toThrow();
    const client = await device("m-2", "secret");
    const granted = async (filter: string): Promise<boolean> =>
      (await client.subscribeAsync(filter, { qos: 1 }).catch(() => [])).every(({ qos }) => qos !== 128);
    expect(await granted("t/acme/d/m-2/cmd/#")).toBe(true);
    expect(
      (await client.subscribeAsync("t/acme/d/+/cmd/#", { qos: 1 }).catch(() => [{ qos: 128 }]))[0]?.qos,
    ).toBe(128);
    expect((await client.subscribeAsync(">", { qos: 1 }).catch(() => [{ qos: 128 }]))[0]?.qos).toBe(128);
  });

  it("kicks a session whose device is quarantined", async () => {
    const client = await device("m-1", "secret");
    const gone = new Promise<void>((resolve) => client.once("close", () => resolve()));
    const fleet = join(folder, "fleet.ndjson");
    const before = readFileSync(fleet, "utf8");
    writeFileSync(fleet, before.replace('"active":false,"mode":"constrain"', '"active":true,"mode":"block"'));
    await app.reload();
    await gone;
    writeFileSync(fleet, before);
    await app.reload();
  }, 20_000);
});
