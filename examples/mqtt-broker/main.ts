/**
 * Starts the example broker:
 *
 *   npx tsx examples/mqtt-broker/main.ts --grpc 127.0.0.1:7600 [--attach]
 *   npx tsx examples/mqtt-broker/main.ts --in-process examples/mqtt-broker/sallyport.yaml
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Judged } from "../../src/adapters/aedes/aedes.ts";
import { startBroker } from "./broker.ts";
import { attached, inProcess, overGrpc } from "./decider.ts";

const { values } = parseArgs({
  options: {
    grpc: { type: "string" },
    attach: { type: "boolean", default: false },
    "in-process": { type: "string" },
    peer: { type: "string", default: "mqtt-broker" },
    port: { type: "string", default: "8883" },
    certificates: { type: "string", default: "var/mqtt-broker" },
    "on-denied": { type: "string", default: "close" },
    gateways: { type: "string", default: "" },
  },
});

const config = values["in-process"];
if ((values.grpc === undefined) === (config === undefined)) {
  console.error("say who decides: `--grpc HOST:PORT`, or `--in-process CONFIG_FILE`");
  process.exit(1);
}

function print({ query, decision, ruling }: Judged): void {
  if (query.kind === "command" || query.kind === "ota") return;
  const { subject } = query;
  const about = query.kind === "publish" ? query.topic : query.kind === "subscribe" ? query.filter : "";
  const who = subject.device_id ?? subject.client_id;
  const findings = decision.findings.length > 0 ? ` (${decision.findings.join(", ")})` : "";
  const words = [ruling.allow ? "allow" : "DENY ", query.kind, who, about].filter((word) => word !== "");
  console.log(`${words.join(" ")}: ${ruling.why}${findings}`);
}

const remote = values.attach ? attached : overGrpc;
const asked = await (config === undefined ? remote(values.grpc ?? "") : inProcess(config, values.peer));
const pem = (name: string): Promise<string> => readFile(join(values.certificates, name), "utf8");
const gateways = new Set(values.gateways.split(",").filter((id) => id !== ""));
const broker = await startBroker({
  port: Number(values.port),
  tls: { cert: await pem("broker.pem"), key: await pem("broker.key"), ca: await pem("ca.pem") },
  decider: asked.decider,
  deliveries: config === undefined ? "granted" : "asked",
  onDeniedPublish: values["on-denied"] === "drop" ? "drop" : "close",
  isGateway: (client) => gateways.has(client.id),
  onDecision: print,
  onSessionEnd: (clientId, why) => console.log(`      end ${clientId}: ${why}`),
});
console.log(
  `mqtts://localhost:${broker.port}, decided ${values.grpc ? `at ${values.grpc}` : "in this process"}`,
);

const stop = async (): Promise<void> => {
  await broker[Symbol.asyncDispose]();
  await asked[Symbol.asyncDispose]();
};
process.once("SIGINT", () => void stop());
process.once("SIGTERM", () => void stop());
