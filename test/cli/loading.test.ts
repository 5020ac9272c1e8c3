/** What an operator sees of a long load: the bar while a service starts, and the status that asks again, on terminals. */
import { type ChildProcessByStdio, spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Readable, Writable } from "node:stream";
import { afterEach, describe, expect, it } from "vitest";
import { type Fleet, makeFleet, serveFleet } from "../client/attached.ts";
import { freePort } from "../free-port.ts";
import { entry, plain } from "./run.ts";

/** util-linux's `script` gives a program a terminal of its own. */
const script = "/usr/bin/script";
const present =
  existsSync(script) && spawnSync(script, ["--version"], { encoding: "utf8" }).stdout.includes("util-linux");

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** Runs `sallyport ARGS` on a terminal of 60 columns. */
class OnTerminal {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly ended: Promise<void>;
  seen = "";

  constructor(...args: readonly string[]) {
    const line = `stty cols 60 rows 24; exec ${[process.execPath, ...entry, ...args].join(" ")}`;
    this.#child = spawn(script, ["-qec", line, "/dev/null"], {
      env: { ...plain, TERM: "xterm", NO_COLOR: "1" },
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#child.stdout.setEncoding("utf8").on("data", (text: string) => (this.seen += text));
    this.ended = new Promise((resolve) => this.#child.once("exit", () => resolve()));
    closing.push(() => this.interrupt());
  }

  /** Presses Ctrl-C until it has ended. */
  async interrupt(): Promise<void> {
    const press = setInterval(() => this.#child.stdin.write("\u0003"), 200);
    this.#child.stdin.on("error", () => undefined);
    await this.ended;
    clearInterval(press);
  }

  async until(met: (seen: string) => boolean): Promise<void> {
    for (const end = Date.now() + 40_000; !met(this.seen); ) {
      if (Date.now() > end) throw new Error(`it did not show: ${JSON.stringify(this.seen.slice(-2000))}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

function manyDevices(fleet: Fleet, count: number): void {
  const file = path.join(fleet.folder, "fleet.ndjson");
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  const device = lines.at(-1) ?? "";
  const more = Array.from({ length: count }, (_, i) => device.replaceAll("meter-0", `m-${i}`));
  writeFileSync(file, `${[...lines, ...more].join("\n")}\n`);
}

const name = "on a terminal";
describe.skipIf(!present)(present ? name : `${name} (NOT RUN: script of util-linux)`, () => {
  it("a service that starts draws how far its file is, on one line, and takes the bar away", {
    timeout: 90_000,
  }, async () => {
    const fleet = makeFleet(1);
    closing.push(() => fleet[Symbol.dispose]());
    manyDevices(fleet, 20_000);
    const terminal = new OnTerminal("serve", "--config", fleet.config);
    await terminal.until((seen) => seen.includes("gRPC"));
    const [loading = "", greeting = ""] = terminal.seen.split(/(?=sallyport \d)/);
    const drawn = loading.split("\r").filter((line) => line.includes("loading"));
    expect(drawn.length).toBeGreaterThan(0);
    expect(drawn[0]).toMatch(/^loading file {2}\[[#.]{30}\] \d+ % {2}\d+/);
    // A line that wraps could not be drawn over.
    for (const line of loading.split("\r")) expect(line.length).toBeLessThan(60);
    expect(loading).not.toContain("\n");
    // What is left on the line before the greeting is nothing.
    expect(
      loading
        .split("\r")
        .filter((line) => line !== "")
        .at(-1)
        ?.trim(),
    ).toBe("");
    expect(greeting).toContain("gRPC");
  });

  it("a status that is watched is drawn over each second, and goes on when the service starts anew", {
    timeout: 120_000,
  }, async () => {
    const port = await freePort();
    const fleet = makeFleet(3, { grpc: { listen: `127.0.0.1:${port}` } });
    closing.push(() => fleet[Symbol.dispose]());
    let app = await serveFleet(fleet);
    closing.push(() => app.close());
    const terminal = new OnTerminal("registry", "status", "--watch", "--address", app.grpcAddress);
    const pages = (): string[] => terminal.seen.split("\u001b[H\u001b[J").slice(1);
    await terminal.until(() => pages().length >= 3);
    for (const page of pages().slice(0, 2)) expect(page).toMatch(/^registry revision 1, [\s\S]*device 3\b/);
    await app.close();
    await terminal.until(() => pages().at(-1)?.includes("asking again") === true);
    const before = pages().length;
    app = await serveFleet(fleet);
    await terminal.until(() => pages().length > before && pages().at(-1)?.includes("device 3") === true);
    await terminal.interrupt();
  });
});
