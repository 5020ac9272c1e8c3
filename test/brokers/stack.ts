/** The whole thing on free ports: a fleet in a file, the decision service, and the example broker that asks it. */
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startBroker } from "../../examples/mqtt-broker/broker.ts";
import type { Judged } from "../../src/adapters/aedes/aedes.ts";
import { type App, startApp } from "../../src/app.ts";
import { attach, connect } from "../../src/client/client.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import type { Decider } from "../../src/decision/decision.ts";
import type { Query, Subject } from "../../src/decision/query.ts";
import { exampleKeysetPath, shippedPath } from "../shipped.ts";
import type { Login, Outcome, Target } from "./devices.ts";
import { type Fleet, makeFleet } from "./fleet.ts";

/** How the broker asks. */
export type Mode = "in process" | "over gRPC" | "attached";

export interface Stack extends AsyncDisposable {
  readonly app: App;
  readonly fleet: Fleet;
  readonly target: Target;
  /** Reasons of the broker's decisions so far, by kind, in the order of asking. */
  reasons(kind: Query["kind"]): string[];
  /** Why sessions ended, by client id; the last one counts. */
  readonly ended: ReadonlyMap<string, string>;
  /** Publishes as the broker itself. */
  publish(topic: string): Promise<void>;
  /** Whether a message on `topic` got through since this was last asked. */
  delivered(topic: string): Promise<boolean>;
  /** Asks as the broker would, without it: may the device publish on `topic`? */
  ask(login: Login, topic: string): Promise<Outcome>;
  /** Session time in seconds that a connect would get. */
  ttlOf(login: Login): Promise<number>;
}

/** Resolves to whether `condition` became true within `ms`. */
export async function eventually(condition: () => boolean | Promise<boolean>, ms: number): Promise<boolean> {
  const end = performance.now() + ms;
  while (performance.now() < end) {
    if (await condition()) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return condition();
}

function configuration(fleet: Fleet): object {
  return {
    grpc: { listen: "127.0.0.1:0" },
    http: { listen: "127.0.0.1:0" },
    bundle: { file: shippedPath, keyset: exampleKeysetPath },
    registry: { dir: join(fleet.dir, "registry"), file: { path: fleet.file, poll_s: 0.2 } },
    trust_domains: [
      {
        name: "prod.devices.acme.example",
        roots: join(fleet.dir, "ca.pem"),
        spiffe_path: "/tenant/{tenant}/device/{device}",
      },
    ],
    peers: [
      {
        name: "mqtt-broker",
        match: { loopback: true },
        env: "prod",
        region: "eu-west",
        endpoint: "ep-telemetry",
        tenants: ["*"],
        kinds: ["*", "admin"],
      },
    ],
    coherence: { lease_s: 1 },
    overrides: { initialize: true },
    decision_log: { sink: "none" },
    log: { level: "silent" },
  };
}

function subjectOf({ clientId, certificate }: Login): Subject {
  const { raw } = new X509Certificate(readFileSync(`${certificate}.pem`));
  return { client_id: clientId, proof: { type: "x509", chain: [raw] } };
}

export async function startStack(mode: Mode): Promise<Stack> {
  const fleet = await makeFleet();
  const file = join(fleet.dir, "sallyport.json");
  await writeFile(file, JSON.stringify(configuration(fleet)));
  const app = await startApp(loadConfig({ file, cwd: process.cwd() }));
  const client = connect({ address: app.grpcAddress });
  const attached = attach({ addresses: [app.grpcAddress], name: "aedes" });
  const deciders: Readonly<Record<Mode, Decider>> = {
    "in process": app.decider("mqtt-broker"),
    "over gRPC": client,
    attached,
  };
  if (mode === "attached") await attached.ready(30_000);
  const judged: Judged[] = [];
  const ended = new Map<string, string>();
  const broker = await startBroker({
    port: 0,
    tls: {
      cert: await fleet.read("broker.pem"),
      key: await fleet.read("broker.key"),
      ca: await fleet.read("ca.pem"),
    },
    decider: deciders[mode],
    deliveries: mode === "in process" ? "asked" : "granted",
    onDecision: (event) => judged.push(event),
    onSessionEnd: (id, why) => ended.set(id, why),
  });
  const seen = new Set<string>();
  broker.aedes.subscribe(
    "#",
    (packet, done) => {
      seen.add(packet.topic);
      done();
    },
    () => {},
  );
  return {
    app,
    fleet,
    target: { port: broker.port, ca: join(fleet.dir, "ca.pem") },
    ended,
    reasons: (kind) =>
      judged.filter(({ query }) => query.kind === kind).map(({ decision }) => decision.reason),
    publish: (topic) =>
      new Promise<void>((resolve, reject) => {
        const packet = { cmd: "publish", topic, payload: "x", qos: 0, retain: false, dup: false } as const;
        broker.aedes.publish(packet, (error) => (error ? reject(error) : resolve()));
      }),
    async delivered(topic) {
      const arrived = await eventually(() => seen.has(topic), 100);
      seen.delete(topic);
      return arrived;
    },
    async ask(login, topic) {
      const subject = subjectOf(login);
      const { allow } = await client.decide({ kind: "publish", subject, topic, qos: 1, retain: false });
      return allow ? "done" : "refused";
    },
    async ttlOf(login) {
      const { obligations } = await client.decide({ kind: "connect", subject: subjectOf(login) });
      return obligations.session_ttl_s ?? Number.POSITIVE_INFINITY;
    },
    async [Symbol.asyncDispose]() {
      await broker[Symbol.asyncDispose]();
      await client[Symbol.asyncDispose]();
      await attached[Symbol.asyncDispose]();
      await app.close();
      await fleet[Symbol.asyncDispose]();
    },
  };
}
