/**
 * What bringing a bundle into force costs those who ask meanwhile:
 * `npx tsx bench/activation.ts [--workers N] [--askers N] [--topics N] [--swaps N]`.
 * Askers over gRPC (one, unless told) that ask one question after the other; then bundles are exchanged under them.
 * Prints JSON. With one asker no question ever waits for another, and a pause is compared with the time of a bare
 * answer; with several, with the time of an answer under load. Each question has a topic of its own, so that each is evaluated; with `--topics 50` they come again, and most are answered
 * from the cache. The service is one process, or with `--workers` a primary and so many more. Needs `dist/` to be built:
 * from sources each thread would compile them anew, in the midst of what is measured. The askers are one process, whose
 * own collections of garbage are nobody's but theirs: they are kept short, the longest pause is printed, and so are the
 * figures without the questions that were under way in one.
 */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { PerformanceObserver } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { connect } from "../src/client/client.ts";
import type { PublishQuery } from "../src/decision/query.ts";
import { releaseOf } from "../test/bundle/releases.ts";
import { certificateFacts, deviceRecord, floorRecord, tenantRecord } from "../test/records.ts";
import { startBuilt } from "./child-server.ts";
import { quantile } from "./measure.ts";

const option = (name: string): number | undefined => {
  const at = process.argv.indexOf(name);
  return at < 0 ? undefined : Number(process.argv[at + 1]);
};
const workers = option("--workers") ?? 0;
const topics = option("--topics") ?? Number.POSITIVE_INFINITY;
const askers = option("--askers") ?? 1;
const idleS = 6;
const swaps = option("--swaps") ?? 4;
// The thresholds of the service itself (`src/app/tune-v8.ts`): seldom and long pauses of the askers would drown its own.
for (const flag of ["--heap-growing-percent=10", "--concurrent-marking-max-worker-num=1"])
  setFlagsFromString(flag);
const now = Math.floor(Date.now() / 1000);
const folder = mkdtempSync(path.join(tmpdir(), "sallyport-activation-"));
const at = (name: string): string => path.join(folder, name);
const put = (archive: Uint8Array): void => {
  writeFileSync(at("b.new"), archive);
  renameSync(at("b.new"), at("b.tar.gz"));
};

const records = [
  { kind: "tenant", record: tenantRecord("acme") },
  { kind: "firmware_policy", record: floorRecord("acme", "meter", now) },
  { kind: "device", record: deviceRecord("m1", now) },
];
writeFileSync(at("fleet.ndjson"), records.map((each) => `${JSON.stringify(each)}\n`).join(""));
put(await releaseOf(1000));
const peer = { env: "prod", region: "eu-west", endpoint: "ep-telemetry", tenants: ["*"] };
const config = {
  grpc: { listen: "127.0.0.1:0" },
  http: { listen: "127.0.0.1:0" },
  bundle: { file: at("b.tar.gz"), unsigned: "allow", dir: at("kept"), poll_s: 0.1 },
  overrides: { initialize: true },
  registry: { dir: at("registry"), file: { path: at("fleet.ndjson") } },
  peers: [{ name: "bench", match: { loopback: true }, ...peer, may_assert: ["credential"] }],
  decision_log: { sink: "none" },
  log: { level: "silent" },
  workers,
};
writeFileSync(at("sallyport.json"), JSON.stringify(config));

const service = await startBuilt(["--config", at("sallyport.json")]);
const client = connect({ address: service.address, deadlineMs: 10_000 });
const credential = certificateFacts("m1", now);
const subject = { client_id: "m1", proof: { type: "asserted" as const, credential } };

interface Stretch {
  readonly startMs: number;
  readonly tookMs: number;
}
/** Collections of garbage in this process, in order. */
const pauses: Stretch[] = [];
new PerformanceObserver((list) => {
  for (const { startTime, duration } of list.getEntries())
    if (duration > 1) pauses.push({ startMs: startTime, tookMs: duration });
}).observe({ entryTypes: ["gc"] });
let samples: Stretch[] = [];
let revisions = new Set<string>();
let failed = 0;
let stop = false;
async function ask(asker: number): Promise<void> {
  for (let count = asker; !stop; count += askers) {
    const topic = `t/acme/d/m1/ops/x${Number.isFinite(topics) ? count % topics : count}`;
    const query: PublishQuery = { kind: "publish", subject, topic, qos: 0, retain: false };
    const startMs = performance.now();
    const { allow, bundle_revision } = await client.decide(query);
    samples.push({ startMs, tookMs: performance.now() - startMs });
    revisions.add(bundle_revision);
    if (!allow) failed += 1;
  }
}
const rounded = (value: number): number => Math.round(value * 100) / 100;
interface Summary {
  readonly requests: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly max_ms: number;
}
const summary = (list: readonly Stretch[]): Summary => {
  const times = list.map(({ tookMs }) => tookMs);
  const of = (share: number): number => rounded(quantile(times, share));
  return { requests: list.length, p50_ms: of(0.5), p99_ms: of(0.99), max_ms: of(1) };
};
/** Questions in whose time the asker itself never stood still. */
const unpaused = (list: readonly Stretch[]): Stretch[] =>
  list.filter(
    ({ startMs, tookMs }) =>
      !pauses.some((pause) => pause.startMs < startMs + tookMs && startMs < pause.startMs + pause.tookMs),
  );
const compared = (before: readonly Stretch[], meanwhile: readonly Stretch[]): object => {
  const [idle, activating] = [summary(before), summary(meanwhile)];
  return {
    idle,
    activating,
    idle_max_over_p99: rounded(idle.max_ms / idle.p99_ms),
    slowest_over_idle_p99: rounded(activating.max_ms / idle.p99_ms),
  };
};

// Made before: packing takes this process longer than anything that is measured.
const releases = await Promise.all(Array.from({ length: swaps }, (_, each) => releaseOf(1001 + each)));
const asking = Promise.all(Array.from({ length: askers }, (_, asker) => ask(asker)));
// What is asked becomes fast in the first seconds only: V8 compiles it anew meanwhile.
await sleep(6000);
samples = [];
await sleep(idleS * 1000);
const idle = samples;
samples = [];
revisions = new Set();
for (let each = 1; each <= swaps; each++) {
  put(releases[each - 1] ?? Buffer.alloc(0));
  while (!revisions.has(`r${1000 + each}`)) await sleep(10);
  await sleep(100);
}
const during = samples;
stop = true;
await asking;
console.log(
  JSON.stringify({
    workers,
    askers,
    swaps,
    denied: failed,
    ...compared(idle, during),
    longest_pause_of_askers_ms: rounded(Math.max(0, ...pauses.map(({ tookMs }) => tookMs))),
    without_pauses_of_askers: compared(unpaused(idle), unpaused(during)),
  }),
);
await client[Symbol.asyncDispose]();
await service.stop();
rmSync(folder, { recursive: true, force: true });
