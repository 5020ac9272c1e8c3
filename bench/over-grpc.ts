/** Over gRPC: a bare echo and the service in turns, asked the same messages by ghz. */
import { execFile, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { type ChildServer, startBuilt, startNode } from "./child-server.ts";
import { median } from "./measure.ts";

/** Calls per second, medians of the rounds; and medians of the ratios within a round, which a machine's mood spoils less. */
export interface OverGrpc {
  readonly cached_ratio: number;
  readonly miss_ratio: number;
  readonly echo_rps: number;
  readonly cached_rps: number;
  readonly miss_echo_rps: number;
  readonly miss_rps: number;
}

const root = path.resolve(import.meta.dirname, "..");
const rounds = 9;
const seconds = 3;
const warmUpSeconds = 2;
const connections = 4;
const concurrency = 64;

/** ghz: `$GHZ`, on PATH, or the pinned Go tool. */
export function findGhz(): string[] | undefined {
  const named = process.env["GHZ"];
  if (named !== undefined && existsSync(named)) return [named];
  for (const candidate of [
    ["ghz"],
    ["go", "tool", `-modfile=${path.join(root, "tools/ghz/go.mod")}`, "ghz"],
  ]) {
    const [command = "", ...args] = candidate;
    if (spawnSync(command, [...args, "--version"]).status === 0) return candidate;
  }
  return undefined;
}

const day = 86_400;

function request(topic: string): unknown {
  const now = Math.floor(Date.now() / 1000);
  return {
    subject: {
      client_id: "meter-001",
      proof: {
        asserted: {
          type: "x509",
          trust_domain: "prod.devices.acme.example",
          device_id: "meter-001",
          tenant: "acme",
          fingerprint: "fp-meter-001",
          not_before: now - 100 * day,
          not_after: now + 200 * day,
          key_protection: "software",
          usage: "telemetry",
        },
      },
    },
    topic,
    qos: 0,
  };
}

const run = promisify(execFile);

/** What ghz is to ask. */
export interface Ghz {
  readonly argv: readonly string[];
  readonly data: string;
  /** Compiled by buf: the parser of ghz refuses `optional` in proto3. */
  readonly protoset: string;
}

/** Asks for `duration` seconds. Throws where a call fails. */
export async function callsPerSecond(ghz: Ghz, address: string, duration: number): Promise<number> {
  const [command = "", ...args] = ghz.argv;
  const { stdout } = await run(
    command,
    [
      ...args,
      "--insecure",
      `--protoset=${ghz.protoset}`,
      "--call=sallyport.v1.DecisionService/CheckPublish",
      `--data-file=${ghz.data}`,
      `--concurrency=${concurrency}`,
      `--connections=${connections}`,
      `--duration=${duration}s`,
      "--duration-stop=ignore",
      "--format=json",
      address,
    ],
    { maxBuffer: 512 * 1024 * 1024 },
  );
  const report = JSON.parse(stdout) as { rps: number; errorDistribution?: Record<string, number> };
  if (Object.keys(report.errorDistribution ?? {}).length > 0) {
    throw new Error(`ghz saw errors: ${JSON.stringify(report.errorDistribution)}`);
  }
  return report.rps;
}

/** The echo and the service, asked the same. */
export interface Pair {
  readonly echo: ChildServer;
  readonly service: ChildServer;
  /** One question, over and over. */
  readonly cached: Ghz;
  /** A topic of its own for each. */
  readonly miss: Ghz;
}

/** Starts both; `nodeArgs` are for a process of that name. Needs `dist/` to be built. */
export async function startPair(
  ghz: readonly string[],
  folder: string,
  nodeArgs: (name: "echo" | "service") => readonly string[] = () => [],
): Promise<Pair> {
  const protoset = path.join(folder, "sallyport.binpb");
  const built = spawnSync("npx", ["buf", "build", "-o", protoset], { cwd: root, encoding: "utf8" });
  if (built.status !== 0) throw new Error(`buf build: ${built.stderr}`);
  const fixed = path.join(folder, "cached.json");
  const fresh = path.join(folder, "miss.json");
  writeFileSync(fixed, JSON.stringify(request("t/acme/d/meter-001/ops/temp")));
  // ghz numbers its calls: no topic is asked about twice.
  writeFileSync(
    fresh,
    JSON.stringify(request("t/acme/d/meter-001/ops/{{.RequestNumber}}{{.TimestampUnixNano}}")),
  );
  spawnSync("node", ["examples/quickstart/freshen.mjs", "--out", path.join(folder, "fleet.ndjson")], {
    cwd: root,
  });
  const echo = await startNode(
    [...nodeArgs("echo"), "--import", "tsx", "bench/echo-server.ts"],
    /listening (?<grpc>\d+)/,
  );
  const set = Object.entries({
    "grpc.listen": "127.0.0.1:0",
    "http.listen": "127.0.0.1:0",
    "registry.dir": path.join(folder, "registry"),
    "registry.file.path": path.join(folder, "fleet.ndjson"),
    "decision_log.path": path.join(folder, "decisions.ndjson"),
  }).flatMap(([option, value]) => ["--set", `${option}=${value}`]);
  const service = await startBuilt(
    ["--config", "examples/quickstart/sallyport.yaml", ...set],
    nodeArgs("service"),
  );
  return {
    echo,
    service,
    cached: { argv: ghz, data: fixed, protoset },
    miss: { argv: ghz, data: fresh, protoset },
  };
}

/** Measures; needs `dist/` to be built and ghz. */
export async function measureOverGrpc(ghz: readonly string[]): Promise<OverGrpc> {
  const folder = mkdtempSync(path.join(tmpdir(), "sallyport-bench-"));
  const { cached: cachedAsk, echo, miss: missAsk, service } = await startPair(ghz, folder);
  try {
    const rates = {
      echo: [] as number[],
      cached: [] as number[],
      missEcho: [] as number[],
      miss: [] as number[],
    };
    for (const [ask, server] of [
      [cachedAsk, echo],
      [cachedAsk, service],
      [missAsk, service],
    ] as const) {
      await callsPerSecond(ask, server.address, warmUpSeconds);
    }
    const ratios = { cached: [] as number[], miss: [] as number[] };
    /** One after the other, in turns who is first. */
    const compare = async (ask: Ghz, first: ChildServer): Promise<readonly [number, number]> => {
      const rate = new Map<ChildServer, number>();
      for (const server of first === echo ? [echo, service] : [service, echo])
        rate.set(server, await callsPerSecond(ask, server.address, seconds));
      return [rate.get(echo) ?? 0, rate.get(service) ?? 0];
    };
    for (let round = 0; round < rounds; round++) {
      const first = round % 2 === 0 ? echo : service;
      const [bare, cached] = await compare(cachedAsk, first);
      const [bareMiss, miss] = await compare(missAsk, first);
      rates.echo.push(bare);
      rates.cached.push(cached);
      rates.missEcho.push(bareMiss);
      rates.miss.push(miss);
      ratios.cached.push(cached / bare);
      ratios.miss.push(miss / bareMiss);
    }
    return {
      cached_ratio: median(ratios.cached),
      miss_ratio: median(ratios.miss),
      echo_rps: median(rates.echo),
      cached_rps: median(rates.cached),
      miss_echo_rps: median(rates.missEcho),
      miss_rps: median(rates.miss),
    };
  } finally {
    await Promise.all([echo.stop(), service.stop()]);
  }
}
