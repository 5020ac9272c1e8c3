import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freshen } from "../../examples/quickstart/freshen.mjs";
import { type Announced, announced } from "../processes.ts";
import { entry, plain, sallyport } from "./run.ts";

/** Devices of the quickstart fleet that the page speaks of, with all tenants and floors. */
const named = /"kind":"(?!device)|"id":"(?:meter-00[1-4]|cam-[34]|gw-0[12]|leaf-77)"/;

let dir: string;
let config: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "sallyport-cli-"));
  const seed = readFileSync("examples/quickstart/fleet.seed.ndjson", "utf8");
  const few = seed.split("\n").filter((line) => named.test(line));
  await writeFile(join(dir, "fleet.ndjson"), `${freshen(few.join("\n"), Math.floor(Date.now() / 1000))}\n`);
  const text = readFileSync("examples/quickstart/sallyport.yaml", "utf8")
    .replace(/\S*var\/quickstart/g, dir)
    .replace(/\.\.\/\.\.\/bundles/, join(process.cwd(), "bundles"))
    .replace("keys/keyset.json", join(process.cwd(), "examples/quickstart/keys/keyset.json"))
    .replace(/127\.0\.0\.1:\d+/g, "127.0.0.1:0");
  config = join(dir, "sallyport.yaml");
  await writeFile(config, text);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

interface Running extends Announced {
  readonly child: ChildProcess;
}

/** Starts the service and waits until it has said where it listens. */
async function start(...args: readonly string[]): Promise<Running> {
  const child = spawn(process.execPath, [...entry, "serve", "--config", config, ...args], { env: plain });
  return { child, ...(await announced(child)) };
}

async function stop({ child }: Running, ...signals: readonly NodeJS.Signals[]): Promise<number | null> {
  const ended = once(child, "close");
  for (const signal of signals) {
    child.kill(signal);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return ((await ended) as [number | null])[0];
}

/** Blocks of docs/cli.md: what was typed, what came first, and how it ended. */
function shownRuns(): { args: readonly string[]; first: string; code: number }[] {
  const page = readFileSync("docs/cli.md", "utf8");
  return [...page.matchAll(/```console\n\$ sallyport (.*)\n([\s\S]*?)# exit code (\d)\n```/g)].map(
    ([, line = "", output = "", code]) => ({
      args: line.split(" "),
      first: output.split("\n", 1)[0] ?? "",
      code: Number(code),
    }),
  );
}

describe("serve", { timeout: 120_000 }, () => {
  it("answers what docs/cli.md shows, and stops in order", async () => {
    const running = await start();
    try {
      expect(running.said()).toMatch(
        /^ {2}node --import tsx src\/cli\/main\.ts check connect --as meter-001 --address/m,
      );
      const runs = shownRuns();
      expect(runs.length).toBeGreaterThan(10);
      const served = runs.filter(({ args }) => args[0] === "check" || args[0] === "device");
      await Promise.all(
        served.map(async ({ args, first, code }) => {
          const ended = await sallyport(args, { env: { SALLYPORT_ADDRESS: running.grpc } });
          const shown = `${args.join(" ")}: ${ended.stdout}${ended.stderr}`;
          expect(ended.code, shown).toBe(code);
          expect(shown).toContain(/"reason":"\w+"/.exec(first)?.[0] ?? first);
        }),
      );
      const ready = await fetch(`http://${running.http}/readyz`);
      expect(ready.status).toBe(200);
    } finally {
      expect(await stop(running, "SIGTERM")).toBe(0);
    }
    expect(running.complained()).toMatch(/sallyport: SIGTERM: .*\nsallyport: stopped\n$|sallyport: stopped/);
  });

  it("does not wait after a second signal", async () => {
    const running = await start(
      "--set",
      "shutdown.drain_s=60",
      "--set",
      `registry.dir=${join(dir, "second")}`,
    );
    const [host = "", port = ""] = running.http.split(":");
    const caller = connect(Number(port), host).on("error", () => undefined);
    await once(caller, "connect");
    caller.write("GET /healthz HTTP/1.1\r\nhost: x\r\n");
    expect(await stop(running, "SIGINT", "SIGTERM")).toBe(1);
    expect(running.complained()).toMatch("sallyport: SIGTERM again: stopped without waiting\n");
    caller.destroy();
  });

  it("says in one line why it cannot start", async () => {
    const running = await start("--set", `registry.dir=${join(dir, "third")}`);
    try {
      const other = ["serve", "--config", config, "--set", `registry.dir=${join(dir, "fourth")}`];
      const [busy, wrong] = await Promise.all([
        sallyport([...other, "--set", `grpc.listen=${running.grpc}`]),
        sallyport(["serve", "--config", "nowhere.yaml"]),
      ]);
      expect(busy.code).toBe(1);
      expect(busy.stderr).toMatch(/^sallyport: cannot listen on `127\.0\.0\.1:\d+`: [^\n]+\n/m);
      expect(wrong).toMatchObject({ code: 1, stdout: "" });
      expect(wrong.stderr).toMatch(/^sallyport: cannot read configuration file `.*nowhere\.yaml`[^\n]*\n$/);
    } finally {
      expect(await stop(running, "SIGTERM")).toBe(0);
    }
  });
});
