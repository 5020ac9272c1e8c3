/** Test support: a real nats-server, where this machine has it. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe } from "vitest";

let found: { readonly command: string | undefined } | undefined;

/** `$NATS_SERVER`, or `nats-server` on the path; `undefined`: neither answers. */
export function findNatsServer(): string | undefined {
  found ??= {
    command: [process.env["NATS_SERVER"], "nats-server"].find(
      (command) =>
        command !== undefined && spawnSync(command, ["--version"], { stdio: "ignore" }).status === 0,
    ),
  };
  return found.command;
}

/** A group of tests that need nats-server: skipped as "NOT RUN: nats-server" where there is none, failing there in CI. */
export function describeWithNats(name: string, body: () => void): void {
  const wanted = findNatsServer() !== undefined || Boolean(process.env["CI"]);
  const group = wanted ? describe : describe.skip;
  group(wanted ? name : `${name} (NOT RUN: nats-server)`, body);
}

/** A server with JetStream on a port of its own, whose data outlives a restart. */
export class NatsServer implements AsyncDisposable {
  readonly #dir: string;
  #child: ChildProcess | undefined;
  #port = -1;

  private constructor(dir: string) {
    this.#dir = dir;
  }

  static async start(): Promise<NatsServer> {
    const server = new NatsServer(await mkdtemp(path.join(tmpdir(), "sallyport-nats-")));
    await server.restart();
    return server;
  }

  get url(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** Starts it on the port that it had before, if any. */
  async restart(): Promise<void> {
    const command = findNatsServer();
    if (command === undefined) throw new Error("nats-server is needed here: set $NATS_SERVER");
    const args = ["-a", "127.0.0.1", "-p", String(this.#port), "-js", "-sd", path.join(this.#dir, "data")];
    const child = spawn(command, [...args, "--ports_file_dir", this.#dir], { stdio: "ignore" });
    this.#child = child;
    for (let waited = 0; waited < 10_000; waited += 20) {
      await sleep(20);
      const name = (await readdir(this.#dir)).find((each) => each.endsWith(`_${child.pid}.ports`));
      const text = name === undefined ? "" : await readFile(path.join(this.#dir, name), "utf8");
      const port = /"nats:\/\/127\.0\.0\.1:(\d+)"/.exec(text)?.[1];
      if (port === undefined) continue;
      this.#port = Number(port);
      return;
    }
    throw new Error("nats-server did not start");
  }

  /** Stops it as `signal` does; its data stay. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await gone;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGKILL");
    await rm(this.#dir, { recursive: true, force: true });
  }
}
