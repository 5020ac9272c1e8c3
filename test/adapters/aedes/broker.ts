/** A real Aedes broker behind the adapter, and MQTT clients of it, over plain TCP. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { Aedes } from "aedes";
import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import { type AedesHooks, type AedesOptions, aedesHooks } from "../../../src/adapters/aedes/aedes.ts";

export interface TestBroker {
  readonly hooks: AedesHooks;
  readonly aedes: Aedes;
  readonly port: number;
  /** Topics that reached the broker's own subscriber, `$SYS` included. */
  readonly seen: string[];
  /** A client that does not reconnect by itself, and is not connected yet. */
  client(options?: IClientOptions): MqttClient;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function openBroker(options: AedesOptions): Promise<TestBroker> {
  const hooks = aedesHooks(options);
  const aedes = await Aedes.createBroker({ ...hooks });
  const server: Server = createServer((socket) => void aedes.handle(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const clients: MqttClient[] = [];
  const seen: string[] = [];
  aedes.subscribe(
    "#",
    (packet, done) => {
      seen.push(packet.topic);
      done();
    },
    () => {},
  );
  return {
    hooks,
    aedes,
    port,
    seen,
    client(more = {}) {
      const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, {
        protocolVersion: 4,
        reconnectPeriod: 0,
        connectTimeout: 5000,
        clientId: "meter-001",
        manualConnect: true,
        ...more,
      });
      client.on("error", () => {});
      clients.push(client);
      return client;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) if (client.stream !== undefined) client.end(true);
      hooks.detach();
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
      server.close();
    },
  };
}

/** Connects; resolves with the CONNACK return code, or with `undefined` where the connection was just closed. */
export function connack(client: MqttClient): Promise<number | undefined> {
  return new Promise((resolve) => {
    client.once("connect", (packet) => resolve(packet.returnCode ?? 0));
    client.once("error", (error) => resolve((error as { code?: number }).code));
    client.once("close", () => resolve(undefined));
    client.connect();
  });
}

/** Resolves to whether `condition` became true within `ms`. */
export async function eventually(condition: () => boolean, ms: number): Promise<boolean> {
  const end = performance.now() + ms;
  while (performance.now() < end) {
    if (condition()) return true;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return condition();
}
