/**
 * A broker's side in one file: asks for a device once a second, from memory where it may, and obeys when trust in the
 * device is withdrawn.
 *
 *   npx tsx examples/attached/main.ts [--address HOST:PORT]... [--device ID] [--seconds N] [--deadline-ms N]
 */
import { subscribe } from "node:diagnostics_channel";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { attach } from "../../src/client/client.ts";
import type { Subject } from "../../src/decision/query.ts";

const { values } = parseArgs({
  options: {
    address: { type: "string", multiple: true, default: ["127.0.0.1:7600"] },
    device: { type: "string", default: "meter-001" },
    seconds: { type: "string", default: "60" },
    "deadline-ms": { type: "string", default: "1000" },
  },
});
const { address: addresses, device } = values;

// What the client does by itself can be watched without asking it.
for (const event of ["stream", "change", "alone"])
  subscribe(`sallyport:client:${event}`, (news) => console.log(`  (${event}: ${JSON.stringify(news)})`));

const client = attach({
  addresses,
  name: "example",
  deadlineMs: Number(values["deadline-ms"]),
  // Telemetry goes on while no node can be reached, if the service's policy grants that; everything else is denied.
  failModes: { publish: "static" },
  onFault: (fault) => console.log(`  (${fault.code}: ${fault.message})`),
});
await client.ready(10_000);

// The same object for the whole session. A broker that has verified the certificate itself vouches for what it says.
const day = 86_400;
const now = Math.floor(Date.now() / 1000);
const subject: Subject = {
  client_id: device,
  proof: {
    type: "asserted",
    credential: {
      type: "x509",
      trust_domain: "prod.devices.acme.example",
      device_id: device,
      tenant: "acme",
      fingerprint: `fp-${device}`,
      not_before: now - 100 * day,
      not_after: now + 200 * day,
      key_protection: "software",
      usage: "telemetry",
    },
  },
};

const connect = await client.decide({ kind: "connect", subject });
console.log(`connect: ${connect.allow ? "allow" : "DENY"} ${connect.reason}`);
let open = connect.allow;
const session = open
  ? client.session({
      subject,
      connect,
      onEnd: (why) => {
        open = false;
        console.log(`the session is to be closed: ${why}`);
      },
      onRevoked: (filter) => console.log(`the subscription ${filter} is to be removed`),
    })
  : undefined;

const filter = `t/acme/d/${device}/cmd/#`;
if (session !== undefined) {
  const granted = await client.decide({ kind: "subscribe", subject, filter, qos: 0 });
  console.log(`subscribe ${filter}: ${granted.allow ? "allow" : "DENY"} ${granted.reason}`);
  if (granted.allow) session.subscribed(filter, 0);
}

const topic = `t/acme/d/${device}/ops/temp`;
for (let second = 0; open && second < Number(values.seconds); second++) {
  const decision = await client.decide({ kind: "publish", subject, topic, qos: 0, retain: false });
  const from = decision.cached ? "remembered" : "asked";
  console.log(`publish: ${decision.allow ? "allow" : "DENY"} ${decision.reason} (${from})`);
  await sleep(1000);
}
session?.closed();
console.log(client.metrics());
await client[Symbol.asyncDispose]();
