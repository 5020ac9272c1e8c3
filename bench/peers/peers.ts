/**
 * `npm run bench:peers`: the same question to Sallyport, to `opa run --server` with the same policies, and to Cerbos
 * with the same gates said in its language, one after the other in turns. Cerbos is fetched on demand into
 * `.cache/peers`; the load comes from ghz (gRPC) and vegeta (HTTP), pinned in `tools/`.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { needOpa } from "../../src/workbench/opa.ts";
import { ignoreFlags } from "../../src/workbench/sources.ts";
import { median } from "../measure.ts";
import { callsPerSecond, findGhz, startPair } from "../over-grpc.ts";
import { writeReport } from "../report.ts";
import { inputOfPublish } from "./question.ts";

const root = path.resolve(import.meta.dirname, "../..");
const cerbosPackage = "@cerbos/cerbos-linux-x64@0.55.0";
const rounds = 3;
const seconds = 4;
const workers = 64;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Installs Cerbos beside the project, once. */
function fetchCerbos(): string {
  const folder = path.join(root, ".cache/peers");
  const program = path.join(folder, "node_modules/@cerbos/cerbos-linux-x64/cerbos-linux-x64");
  if (!existsSync(program)) {
    mkdirSync(folder, { recursive: true });
    execFileSync("npm", [
      "install",
      "--no-save",
      "--no-audit",
      "--no-fund",
      "--prefix",
      folder,
      cerbosPackage,
    ]);
  }
  return program;
}

/** vegeta: on PATH, or the pinned Go tool. */
function findVegeta(): string[] {
  for (const argv of [
    ["vegeta"],
    ["go", "tool", `-modfile=${path.join(root, "tools/vegeta/go.mod")}`, "vegeta"],
  ]) {
    const [command = "", ...args] = argv;
    if (spawnSync(command, [...args, "-version"]).status === 0) return argv;
  }
  throw new Error("vegeta is not here: see tools/vegeta/go.mod");
}

async function answering(url: string): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    const ok = await fetch(url).then(
      (response) => response.ok,
      () => false,
    );
    if (ok) return;
    await sleep(100);
  }
  throw new Error(`nobody answers at ${url}`);
}

interface Peer {
  readonly child: ChildProcess;
  readonly http: string;
  readonly grpc: string;
}

async function startOpa(): Promise<Peer> {
  const [command, ...args] = needOpa();
  const http = `127.0.0.1:${await freePort()}`;
  const flags = ["run", "--server", "--addr", http, "--log-level", "error", "--skip-version-check"];
  const child = spawn(command, [...args, ...flags, "-b", ".", ...ignoreFlags()], {
    cwd: path.join(root, "policies"),
    stdio: ["ignore", "ignore", "inherit"],
  });
  await answering(`http://${http}/health?bundles`);
  return { child, http, grpc: "" };
}

async function startCerbos(program: string, folder: string): Promise<Peer> {
  const [http, grpc] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
  const policies = path.join(folder, "cerbos");
  mkdirSync(policies);
  execFileSync("cp", [path.join(import.meta.dirname, "message.yaml"), policies]);
  const config = {
    server: { httpListenAddr: http, grpcListenAddr: grpc },
    storage: { driver: "disk", disk: { directory: policies } },
    telemetry: { disabled: true },
  };
  const file = path.join(folder, "cerbos.json");
  writeFileSync(file, JSON.stringify(config));
  // It logs every call that ghz gives up at the end of its time.
  const child = spawn(program, ["server", "--log-level=error", `--config=${file}`], { stdio: "ignore" });
  await answering(`http://${http}/_cerbos/health`);
  return { child, http, grpc };
}

/** The question as Cerbos takes it: who asks with all facts, and what about. */
function toCerbos(input: Input): object {
  const { now, registry, request, ...facts } = input;
  const attr = { ...request, now, synced: registry.synced, watermark: registry.watermark };
  return {
    requestId: "bench",
    principal: { id: String(request["client_id"]), roles: ["device"], attr: facts },
    resources: [{ actions: ["publish"], resource: { kind: "message", id: "message", attr } }],
  };
}

type Input = ReturnType<typeof inputOfPublish>;

async function post(url: string, body: object): Promise<Record<string, never>> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Record<string, never>;
}

const opaAllows = async ({ http }: Peer, input: Input): Promise<unknown> =>
  ((await post(`http://${http}/v1/data/sallyport/publish`, { input })) as { result?: { allow?: boolean } })
    .result?.allow;
const cerbosAllows = async ({ http }: Peer, input: Input): Promise<boolean> => {
  const { results } = (await post(`http://${http}/api/check/resources`, toCerbos(input))) as {
    results?: { actions: { publish: string } }[];
  };
  return results?.[0]?.actions.publish === "EFFECT_ALLOW";
};

/** The same input with one thing wrong. */
const defects: Readonly<Record<string, (input: Input) => void>> = {
  "a foreign topic": ({ request }) => Object.assign(request, { topic: "t/acme/d/other/ops/temp" }),
  "a wildcard": ({ request }) => Object.assign(request, { topic: `${String(request["topic"])}/#` }),
  "another client id": ({ request }) => Object.assign(request, { client_id: "other" }),
  "an expired credential": (input) => Object.assign(input["credential"] as object, { not_after: input.now }),
  quarantine: ({ device }) => Object.assign(device.state, { quarantine: { active: true, mode: "block" } }),
  "old firmware": ({ device }) => Object.assign(device["firmware"] as object, { key: 1 }),
  "the end of life": ({ device }) =>
    Object.assign(device["support"] as object, { support_ends_at: 1, eol_at: 2 }),
  "an inactive tenant": ({ tenant }) => Object.assign(tenant as object, { status: "suspended" }),
};

/** Throws unless both allow the question, and refuse it with each defect. */
async function compareRules(opa: Peer, cerbos: Peer, input: Input): Promise<void> {
  const ask = async (what: string, asked: Input, expected: boolean): Promise<void> => {
    for (const [name, said] of [
      ["OPA", await opaAllows(opa, asked)],
      ["Cerbos", await cerbosAllows(cerbos, asked)],
    ] as const)
      if (said !== expected) throw new Error(`${name} says ${String(said)} to ${what}`);
  };
  await ask("the question", input, true);
  for (const [what, spoil] of Object.entries(defects)) {
    const spoiled = structuredClone(input);
    spoil(spoiled);
    await ask(what, spoiled, false);
  }
}

/** Requests per second over HTTP. */
function postsPerSecond(vegeta: readonly string[], url: string, body: string, duration: number): number {
  const [command = "", ...args] = vegeta;
  const attack = spawnSync(
    command,
    [
      ...args,
      "attack",
      "-rate=0",
      `-max-workers=${workers}`,
      `-connections=${workers}`,
      `-duration=${duration}s`,
      `-body=${body}`,
    ],
    { input: `POST ${url}\nContent-Type: application/json\n`, maxBuffer: 1024 * 1024 * 1024 },
  );
  const report = spawnSync(command, [...args, "report", "-type=json"], { input: attack.stdout });
  const { success, throughput } = JSON.parse(report.stdout.toString()) as {
    success: number;
    throughput: number;
  };
  if (success !== 1) throw new Error(`vegeta saw errors: ${report.stdout.toString().slice(0, 500)}`);
  return throughput;
}

const ghz = findGhz();
if (ghz === undefined) throw new Error("ghz is not here: see tools/ghz/go.mod");
const vegeta = findVegeta();
const folder = mkdtempSync(path.join(tmpdir(), "sallyport-peers-"));
const input = inputOfPublish();
const pair = await startPair(ghz, folder);
const opa = await startOpa();
const cerbos = await startCerbos(fetchCerbos(), folder);
try {
  await compareRules(opa, cerbos, input);
  const opaBody = path.join(folder, "opa.json");
  writeFileSync(opaBody, JSON.stringify({ input }));
  const cerbosBody = path.join(folder, "cerbos-question.json");
  writeFileSync(cerbosBody, JSON.stringify(toCerbos(input)));
  const cerbosAsk = { argv: ghz, data: cerbosBody, call: "cerbos.svc.v1.CerbosService/CheckResources" };
  const measured: Readonly<Record<string, () => number | Promise<number>>> = {
    "sallyport, cached": () => callsPerSecond(pair.cached, pair.service.address, seconds),
    "sallyport, every one evaluated": () => callsPerSecond(pair.miss, pair.service.address, seconds),
    "opa run --server, HTTP": () =>
      postsPerSecond(vegeta, `http://${opa.http}/v1/data/sallyport/publish`, opaBody, seconds),
    "cerbos, gRPC": () => callsPerSecond(cerbosAsk, cerbos.grpc, seconds),
  };
  const rates: Record<string, number[]> = {};
  for (const ask of Object.values(measured)) await ask();
  for (let round = 0; round < rounds; round++)
    for (const [name, ask] of Object.entries(measured)) (rates[name] ??= []).push(await ask());
  const cached = median(rates["sallyport, cached"] ?? []);
  const lines = Object.entries(rates).map(([what, all]) => ({
    what,
    per_s: Math.round(median(all)),
    "sallyport cached is": `${(cached / median(all)).toFixed(1)} x`,
  }));
  console.table(lines);
  writeReport("peers", { defects: Object.keys(defects), lines });
} finally {
  opa.child.kill("SIGTERM");
  cerbos.child.kill("SIGTERM");
  await Promise.all([pair.echo.stop(), pair.service.stop()]);
  rmSync(folder, { recursive: true, force: true });
}
