/**
 * How long it takes until a revocation bites at a real broker: `npx tsx test/brokers/measure.ts [TIMES]`. From the change
 * of the record file until the broker has closed the connection of a device that publishes all the time.
 */
import mqtt from "mqtt";
import { startRabbitBehind } from "./rabbit-behind.ts";
import { quarantined, released, secretOf } from "./service.ts";

const times = Number(process.argv[2] ?? 20);
const device = "m-1";
const broker = await startRabbitBehind();
const took: number[] = [];
for (let turn = 0; turn < times; turn++) {
  const client = await mqtt.connectAsync(`mqtt://${broker.rabbit.mqtt}`, {
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
  broker.premises.change(device, quarantined);
  await broker.app.reload();
  await closed;
  took.push(performance.now() - beganMs);
  clearInterval(busy);
  broker.premises.change(device, released);
  await broker.app.reload();
}
took.sort((a, b) => a - b);
const at = (share: number): string => `${Math.round(took[Math.ceil(share * times) - 1] ?? 0)} ms`;
console.log(`rabbitmq: ${times} revocations, half within ${at(0.5)}, the slowest ${at(1)}`);
await broker[Symbol.asyncDispose]();
