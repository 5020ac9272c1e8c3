/** Two makes of MQTT client, doing the same things: mqtt.js, and Debian's mosquitto_pub and mosquitto_sub. */
import { execFile, execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import mqtt, { type MqttClient } from "mqtt";
import { describe } from "vitest";

/** Who connects: which certificate, under which client id. */
export interface Login {
  readonly clientId: string;
  /** Path of certificate and key without their endings; absent: no certificate. */
  readonly certificate?: string;
  readonly username?: string;
  readonly password?: string;
}

/** What the broker's certificate is checked against, and where it listens. */
export interface Target {
  readonly port: number;
  readonly ca: string;
}

/** What became of an attempt, as far as the device can tell. */
export type Outcome = "done" | "refused" | "no session";

/** A make of client. */
export interface Device {
  readonly name: string;
  publish(target: Target, login: Login, topic: string): Promise<Outcome>;
  subscribe(target: Target, login: Login, filter: string): Promise<Outcome>;
}

/** Opens a session; `undefined` where it was refused. */
export async function open(target: Target, login: Login): Promise<MqttClient | undefined> {
  const { certificate } = login;
  const client = mqtt.connect(`mqtts://localhost:${target.port}`, {
    protocolVersion: 4,
    reconnectPeriod: 0,
    connectTimeout: 10_000,
    clientId: login.clientId,
    ca: readFileSync(target.ca),
    ...(certificate === undefined
      ? {}
      : { cert: readFileSync(`${certificate}.pem`), key: readFileSync(`${certificate}.key`) }),
    ...(login.username === undefined ? {} : { username: login.username }),
    ...(login.password === undefined ? {} : { password: login.password }),
  });
  const connected = await new Promise<boolean>((resolve) => {
    client.once("connect", () => resolve(true));
    client.once("error", () => resolve(false));
    client.once("close", () => resolve(false));
  });
  client.on("error", () => {});
  if (connected) return client;
  client.end(true);
  return undefined;
}

export const mqttJs: Device = {
  name: "mqtt.js",
  async publish(target, login, topic) {
    const client = await open(target, login);
    if (client === undefined) return "no session";
    const closed = new Promise<Outcome>((resolve) => client.once("close", () => resolve("refused")));
    const acknowledged = client.publishAsync(topic, "42", { qos: 1 }).then(
      (): Outcome => "done",
      (): Outcome => "refused",
    );
    const outcome = await Promise.race([acknowledged, closed]);
    client.end(true);
    return outcome;
  },
  async subscribe(target, login, filter) {
    const client = await open(target, login);
    if (client === undefined) return "no session";
    const granted = await client.subscribeAsync(filter, { qos: 1 }).catch(() => []);
    client.end(true);
    return granted.length > 0 && granted.every(({ qos }) => qos !== 128) ? "done" : "refused";
  },
};

/** Whether the clients of mosquitto are installed. */
function hasMosquitto(): boolean {
  try {
    execFileSync("mosquitto_pub", ["--version"], { stdio: "ignore" });
  } catch (thrown) {
    return (thrown as { code?: string }).code !== "ENOENT";
  }
  return true;
}

function run(command: string, target: Target, login: Login, more: readonly string[]): Promise<Outcome> {
  const { certificate, username, password } = login;
  const options = ["-h", "localhost", "-p", String(target.port), "--cafile", target.ca, "-i", login.clientId];
  if (certificate !== undefined) options.push("--cert", `${certificate}.pem`, "--key", `${certificate}.key`);
  if (username !== undefined) options.push("-u", username);
  if (password !== undefined) options.push("-P", password);
  return new Promise((resolve) => {
    execFile(command, [...options, "-q", "1", ...more], { timeout: 10_000 }, (error, stdout, stderr) => {
      if (/Connection Refused/i.test(stdout + stderr)) resolve("no session");
      else resolve(error === null && !/denied/i.test(stdout + stderr) ? "done" : "refused");
    });
  });
}

export const mosquitto: Device = {
  name: "mosquitto clients",
  publish: (target, login, topic) => run("mosquitto_pub", target, login, ["-t", topic, "-m", "42"]),
  subscribe: (target, login, filter) => run("mosquitto_sub", target, login, ["-t", filter, "-E"]),
};

/** Path of a device's certificate in the folder of a fleet. */
export function certificateOf(dir: string, device: string): string {
  return join(dir, device);
}

/** A group of tests per make of client; mosquitto's are skipped by name where absent, and fail there in CI. */
export function describeDevices(name: string, body: (device: Device) => void): void {
  describe(`${name}, with ${mqttJs.name}`, () => body(mqttJs));
  if (hasMosquitto() || process.env["CI"]) describe(`${name}, with ${mosquitto.name}`, () => body(mosquitto));
  else describe.skip(`${name} (NOT RUN: mosquitto clients)`, () => body(mosquitto));
}
