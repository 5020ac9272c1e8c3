/**
 * `npm run bench profile`: where the time of a miss goes, beside that of a bare echo of the same messages. Both run
 * under V8's sampling profiler while ghz asks them; the table says microseconds of each call by part of the program.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { callsPerSecond, findGhz, startPair } from "./over-grpc.ts";
import { writeReport } from "./report.ts";

interface Node {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string };
  readonly children?: readonly number[];
}
interface Profile {
  readonly nodes: readonly Node[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const seconds = 10;
const parts: readonly (readonly [string, (name: string, url: string) => boolean])[] = [
  ["(waiting)", (name) => name === "(idle)"],
  ["garbage collector", (name) => name === "(garbage collector)"],
  ["policy in Wasm", (_, url) => url.startsWith("wasm:")],
  ["HTTP/2, streams and sockets of Node", (_, url) => url.startsWith("node:")],
  ["grpc-js", (_, url) => url.includes("/@grpc/")],
  ["protobuf", (_, url) => url.includes("protobuf") || url.includes("/dist/gen/")],
  ["decision log", (_, url) => url.includes("/dist/log/")],
  ["facts", (_, url) => url.includes("/dist/registry/")],
  ["identity", (_, url) => url.includes("/dist/identity/")],
  [
    "decision: question, input, cache, answer",
    (_, url) => /\/dist\/(pdp|engine|cache|decision)\/|lru-cache/.test(url),
  ],
  ["services and server", (_, url) => url.includes("/dist/")],
  ["native code and the rest", () => true],
];

/** Microseconds by part, of the samples between the first and the last answer. */
function byPart({ nodes, samples, timeDeltas }: Profile): Map<string, number> {
  const part = new Map<number, string>();
  const answers = new Set<number>();
  const visit = (node: Node, answering: boolean): void => {
    const { functionName, url } = node.callFrame;
    // The handler of the echo, and the decision of the service.
    const inside =
      answering ||
      functionName === "checkPublish" ||
      (functionName === "decide" && url.endsWith("/pdp/pdp.js"));
    if (inside) answers.add(node.id);
    part.set(node.id, parts.find(([, is]) => is(functionName, url))?.[0] ?? "");
    for (const child of node.children ?? []) visit(byId.get(child) as Node, inside);
  };
  const byId = new Map(nodes.map((node) => [node.id, node]));
  visit(nodes[0] as Node, false);
  const first = samples.findIndex((id) => answers.has(id));
  const last = samples.findLastIndex((id) => answers.has(id));
  const sums = new Map<string, number>(parts.map(([name]) => [name, 0]));
  for (let at = first; at <= last; at++) {
    const name = part.get(samples[at] as number) ?? "";
    sums.set(name, (sums.get(name) ?? 0) + (timeDeltas[at] as number));
  }
  return sums;
}

function read(folder: string): Profile {
  const [file] = readdirSync(folder)
    .map((name) => path.join(folder, name))
    .sort((a, b) => readFileSync(b).length - readFileSync(a).length);
  return JSON.parse(readFileSync(file ?? "", "utf8")) as Profile;
}

const ghz = findGhz();
if (ghz === undefined) throw new Error("ghz is not here: see tools/ghz/go.mod");
const folder = mkdtempSync(path.join(tmpdir(), "sallyport-profile-"));
try {
  const of = (name: string): string => path.join(folder, `profile-${name}`);
  for (const name of ["echo", "service"]) mkdirSync(of(name));
  const pair = await startPair(ghz, folder, (name) => ["--cpu-prof", `--cpu-prof-dir=${of(name)}`]);
  const calls: Record<string, number> = {};
  for (const name of ["echo", "service"] as const)
    calls[name] = Math.round((await callsPerSecond(pair.miss, pair[name].address, seconds)) * seconds);
  await Promise.all([pair.echo.stop(), pair.service.stop()]);
  const found = { echo: byPart(read(of("echo"))), service: byPart(read(of("service"))) };
  const perCall = (name: "echo" | "service", part: string): number =>
    Math.round(((found[name].get(part) ?? 0) / (calls[name] ?? 1)) * 10) / 10;
  const lines = parts.map(([part]) => ({
    part,
    echo_us: perCall("echo", part),
    miss_us: perCall("service", part),
  }));
  const busy = (name: "echo_us" | "miss_us"): number =>
    Math.round(lines.slice(1).reduce((sum, line) => sum + line[name], 0) * 10) / 10;
  lines.push({ part: "all but waiting", echo_us: busy("echo_us"), miss_us: busy("miss_us") });
  console.table(lines);
  writeReport("profile", { calls, lines });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
