/** Test support: a real RabbitMQ with MQTT, its HTTP backend and its management API, where this machine has it. */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe } from "vitest";
import { freePort } from "./free-port.ts";

/** The script that starts it as whoever calls; the one on the path wants to be root or `rabbitmq`. */
export function findRabbit(): string | undefined {
  const named = process.env["RABBITMQ_SERVER"];
  return [named, "/usr/lib/rabbitmq/bin/rabbitmq-server"].find(
    (each) => each !== undefined && existsSync(each),
  );
}

/** A group of tests that need RabbitMQ: skipped as "NOT RUN: rabbitmq-server" where there is none, failing there in CI. */
export function describeWithRabbit(name: string, body: () => void): void {
  const wanted = findRabbit() !== undefined || Boolean(process.env["CI"]);
  const group = wanted ? describe : describe.skip;
  group(wanted ? name : `${name} (NOT RUN: rabbitmq-server)`, body);
}

const boots = /Server startup complete/;
/** It boots in 13 seconds on an idle machine; five of them it waits for the members of a cluster. */
const bootMs = 150_000;

/** The hash of a password as definitions hold it. */
function hashed(password: string): string {
  const salt = randomBytes(4);
  const digest = createHash("sha256").update(salt).update(password).digest();
  return Buffer.concat([salt, digest]).toString("base64");
}

/** A broker in a folder of its own, on ports of its own, with an epmd of its own. */
export class Rabbit implements AsyncDisposable {
  readonly #folder = mkdtempSync(path.join(tmpdir(), "sallyport-rabbit-"));
  #children: readonly ChildProcess[] = [];
  /** `host:port` for MQTT clients. */
  mqtt = "";
  /** Address of the management API, and its user. */
  api = { url: "", user: "sallyport", password: "management" };

  /** Starts it with further lines of `rabbitmq.conf`; resolves when it serves. */
  static async start(settings: string): Promise<Rabbit> {
    const rabbit = new Rabbit();
    try {
      await rabbit.#boot(settings);
    } catch (thrown) {
      await rabbit[Symbol.asyncDispose]();
      throw thrown;
    }
    return rabbit;
  }

  get log(): string {
    return readFileSync(path.join(this.#folder, "log"), "utf8");
  }

  async #boot(settings: string): Promise<void> {
    const command = findRabbit();
    if (command === undefined) throw new Error("RabbitMQ is needed here: install Debian's rabbitmq-server");
    const [mqtt, management, epmd, distribution] = await Promise.all([
      freePort(),
      freePort(),
      freePort(),
      freePort(),
    ]);
    this.mqtt = `127.0.0.1:${mqtt}`;
    this.api = { ...this.api, url: `http://127.0.0.1:${management}` };
    const at = (name: string): string => path.join(this.#folder, name);
    const { password, user } = this.api;
    writeFileSync(at("enabled_plugins"), "[rabbitmq_auth_backend_http,rabbitmq_management,rabbitmq_mqtt].\n");
    writeFileSync(
      at("definitions.json"),
      JSON.stringify({
        vhosts: [{ name: "/" }, { name: "other" }],
        // It may look and close, and has no permission in any virtual host.
        users: [{ name: user, password_hash: hashed(password), tags: ["administrator"] }],
      }),
    );
    writeFileSync(
      at("rabbitmq.conf"),
      `listeners.tcp = none
mqtt.listeners.tcp.1 = ${this.mqtt}
management.tcp.ip = 127.0.0.1
management.tcp.port = ${management}
load_definitions = ${at("definitions.json")}
log.file = ${at("log")}
${settings}`,
    );
    mkdirSync(at("home"));
    writeFileSync(at("home/.erlang.cookie"), randomBytes(16).toString("hex"), { mode: 0o400 });
    // An epmd that the broker starts for itself would outlive it.
    const names = spawn("epmd", ["-port", String(epmd), "-address", "127.0.0.1"], { stdio: "ignore" });
    names.on("error", () => {});
    const broker = spawn("nice", ["-n", "5", command], {
      stdio: "ignore",
      // The Erlang machine has helpers, and all of them end with its group.
      detached: true,
      env: {
        PATH: process.env["PATH"],
        HOME: at("home"),
        ERL_EPMD_PORT: String(epmd),
        ERL_EPMD_ADDRESS: "127.0.0.1",
        RABBITMQ_NODENAME: "hall@localhost",
        RABBITMQ_DIST_PORT: String(distribution),
        RABBITMQ_MNESIA_BASE: at("data"),
        RABBITMQ_LOG_BASE: this.#folder,
        RABBITMQ_CONFIG_FILE: at("rabbitmq.conf"),
        RABBITMQ_CONF_ENV_FILE: at("none"),
        RABBITMQ_ENABLED_PLUGINS_FILE: at("enabled_plugins"),
      },
    });
    this.#children = [broker, names];
    // Also where the process ends before anybody disposes of it.
    process.once("exit", this.#kill);
    for (
      const end = Date.now() + bootMs;
      !(existsSync(at("log")) && boots.test(this.log));
      await sleep(100)
    ) {
      if (broker.exitCode !== null) throw new Error(`RabbitMQ ended with ${broker.exitCode}`);
      if (Date.now() > end)
        throw new Error(`RabbitMQ did not start within ${bootMs} ms: ${this.log.slice(-2000)}`);
    }
  }

  readonly #kill = (): readonly ChildProcess[] => {
    const running = this.#children.filter(
      ({ exitCode, pid, signalCode }) => pid !== undefined && exitCode === null && signalCode === null,
    );
    for (const { pid = 0, spawnfile } of running) process.kill(spawnfile === "nice" ? -pid : pid, "SIGKILL");
    return running;
  };

  async [Symbol.asyncDispose](): Promise<void> {
    process.off("exit", this.#kill);
    await Promise.all(this.#kill().map((child) => once(child, "exit")));
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
