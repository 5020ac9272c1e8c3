/**
 * Figures of docs/brokers, measured: `npx tsx test/brokers/measure.ts rabbitmq|nats|signing [TIMES]`.
 * `rabbitmq`, `nats`: from the change of the record file until the broker has closed the connection of a device that
 * publishes fifty times a second. `signing`: one user JWT of NATS.
 */
import { createAccount } from "@nats-io/nkeys";
import mqtt from "mqtt";
import { signJwt } from "../../src/adapters/nats/jwt.ts";
import { openSeed } from "../../src/adapters/nats/nkeys.ts";
import type { App } from "../../src/app.ts";
import { startNatsBehind } from "./nats-behind.ts";
import { startRabbitBehind } from "./rabbit-behind.ts";
import { type Premises, quarantined, released, secretOf } from "./service.ts";

interface Measured extends AsyncDisposable {
  readonly mqtt: string;
  readonly premises: Premises;
  readonly app: App;
}

const device = "m-1";

function told(what: string, took: number[], unit: string): void {
  took.sort((a, b) => a - b);
  const at = (share: number): string =>
    `${Math.round(took[Math.ceil(share * took.length) - 1] ?? 0)} ${unit}`;
  console.log(
    `${what}: ${took.length} times, half within ${at(0.5)}, 99 of 100 within ${at(0.99)}, the slowest ${at(1)}`,
  );
}

async function revocations(name: string, behind: Measured, times: number): Promise<void> {
  const took: number[] = [];
  for (let turn = 0; turn < times; turn++) {
    const client = await mqtt.connectAsync(`mqtt://${behind.mqtt}`, {
      clientId: device,
      username: device,
      password: secretOf(device),
      reconnectPeriod: 0,
    });
    client.on("error", () => {});
    const busy = setInterval(() => client.publish(`t/acme/d/${device}/ops/busy`, "42", { qos: 1 }), 20);
    // Some are closed at once after they came, some later.
    await new Promise((resolve) => setTimeout(resolve, (turn % 4) * 700));
    const closed = new Promise<void>((resolve) => client.once("close", () => resolve()));
    const beganMs = performance.now();
    behind.premises.change(device, quarantined);
    await behind.app.reload();
    await closed;
    took.push(performance.now() - beganMs);
    clearInterval(busy);
    behind.premises.change(device, released);
    await behind.app.reload();
  }
  told(`${name}, a revocation`, took, "ms");
  await behind[Symbol.asyncDispose]();
}

function signing(times: number): void {
  const key = openSeed(Buffer.from(createAccount().getSeed()).toString("utf8"));
  const allow = Array.from({ length: 12 }, (_, i) => `t.acme.d.meter-001.stream-${i}.>`);
  const nats = { pub: { allow }, sub: { allow }, subs: -1, data: -1, payload: -1, type: "user", version: 2 };
  const took: number[] = [];
  for (let turn = 0; turn < times; turn++) {
    const beganMs = performance.now();
    signJwt(key, 1_800_000_000 + turn, {
      sub: `U${turn}`,
      aud: "APP",
      name: device,
      exp: 1_800_003_600,
      nats,
    });
    took.push((performance.now() - beganMs) * 1000);
  }
  told("nats, signing a user with 24 subjects", took, "us");
}

const [what = "", times] = process.argv.slice(2);
const count = Number(times ?? (what === "signing" ? 10_000 : 20));
if (what === "signing") signing(count);
else if (what === "nats") await revocations(what, await startNatsBehind(), count);
else if (what === "rabbitmq") {
  const behind = await startRabbitBehind();
  await revocations(what, Object.assign(behind, { mqtt: behind.rabbit.mqtt }), count);
} else throw new Error("say `rabbitmq`, `nats` or `signing`");
