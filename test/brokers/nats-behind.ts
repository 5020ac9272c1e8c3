/** A real nats-server, for NATS and MQTT, whose auth callout is a service with the fleet of `service.ts`. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createAccount, createCurve } from "@nats-io/nkeys";
import type { App } from "../../src/app.ts";
import { freePort } from "../free-port.ts";
import { findNatsServer } from "../nats.ts";
import { makePremises, type Premises, startIn } from "./service.ts";

/** Both. */
export interface NatsBehind extends AsyncDisposable {
  /** `host:port` for NATS clients, and for MQTT clients. */
  readonly nats: string;
  readonly mqtt: string;
  readonly premises: Premises;
  readonly app: App;
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8");

async function startServer(
  folder: string,
  mqtt: string,
  issuer: string,
  xkey: string,
): Promise<[ChildProcess, string]> {
  const config = join(folder, "nats.conf");
  writeFileSync(
    config,
    `listen: "127.0.0.1:-1"
server_name: callout
jetstream { store_dir: "${join(folder, "js")}" }
mqtt { listen: "${mqtt}", reject_qos2_publish: true, downgrade_qos2_subscribe: true }
accounts {
  AUTH { users: [ { user: sallyport, password: pw } ] }
  APP { jetstream: enabled }
  SYS { users: [ { user: sys, password: pw } ] }
}
system_account: SYS
authorization { auth_callout { issuer: ${issuer}, account: AUTH, auth_users: [ sallyport, sys ], xkey: ${xkey} } }
`,
  );
  const args = ["-c", config, "--ports_file_dir", folder];
  const server = spawn(findNatsServer() ?? "nats-server", args, { stdio: "ignore" });
  for (const end = Date.now() + 30_000; Date.now() < end; await sleep(50)) {
    const name = readdirSync(folder).find((each) => each.endsWith(".ports"));
    const ports = name === undefined ? "" : readFileSync(join(folder, name), "utf8");
    const nats = /"nats":\s*\[\s*"nats:\/\/(127\.0\.0\.1:\d+)"/.exec(ports)?.[1];
    if (nats !== undefined) return [server, nats];
  }
  server.kill("SIGKILL");
  throw new Error("nats-server did not start");
}

/** The server, and what a service behind it needs. */
export type NatsPremises = Omit<NatsBehind, "app">;

/** Starts the server. `more` replaces parts of the configuration of a service. */
export async function natsPremises(more: object = {}): Promise<NatsPremises> {
  const folder = mkdtempSync(join(tmpdir(), "sallyport-callout-"));
  const mqtt = `127.0.0.1:${await freePort()}`;
  const issuer = createAccount();
  const xkey = createCurve();
  const [server, nats] = await startServer(folder, mqtt, issuer.getPublicKey(), xkey.getPublicKey());
  const premises = makePremises(
    (file) => [
      {
        name: "edge",
        dialect: "nats",
        peer: "broker",
        max_qos: 1,
        may_retain: false,
        rate_classes: ["standard"],
        connects: { per_s: 100, burst: 500 },
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
    more,
  );
  return {
    nats,
    mqtt,
    premises,
    async [Symbol.asyncDispose]() {
      const gone = once(server, "exit");
      server.kill("SIGKILL");
      await gone;
      premises[Symbol.dispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Starts the server, and the service in this process. */
export async function startNatsBehind(): Promise<NatsBehind> {
  const behind = await natsPremises();
  const app = await startIn(behind.premises);
  return {
    ...behind,
    app,
    async [Symbol.asyncDispose]() {
      await app.close();
      await behind[Symbol.asyncDispose]();
    },
  };
}
