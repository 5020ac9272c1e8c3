/** One size of fleet: loaded, looked up, served, changed and restarted. */
import { spawn } from "node:child_process";
import { createWriteStream, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { credentials } from "@grpc/grpc-js";
import { AdminServiceClient } from "../src/gen/sallyport/v1/admin.ts";
import { DecisionServiceClient } from "../src/gen/sallyport/v1/decision.ts";
import { readLines } from "../src/registry/read-lines.ts";
import { RecordMill } from "../src/registry/record-mill.ts";
import { createRecordValidator } from "../src/registry/record-validator.ts";
import { openRegistry } from "../src/registry/registry.ts";
import { SyncSession } from "../src/registry/sync-session.ts";
import { systemClock } from "../src/runtime/clock.ts";
import { type ChildServer, startBuilt } from "./child-server.ts";
import { medianUs, quantile } from "./measure.ts";
import { deviceAt, fleetOf } from "./synthetic-fleet.ts";

/** What one size takes. Times of answers are of unary gRPC calls, one at a time. */
export interface SizeReport {
  readonly devices: number;
  readonly snapshot_per_s: number;
  readonly snapshot_cpu_us: number;
  readonly bare_cpu_us: number;
  readonly lookup_us: number;
  readonly by_index_us: number;
  readonly disk_mb: number;
  readonly ready_s: number;
  readonly rss_anon_mb: number;
  readonly idle_p99_ms: number;
  readonly deltas_per_s: number;
  readonly serving_p99_ms: number;
  /** The same with nothing else to do: what the machine alone costs. */
  readonly override_idle_p50_ms: number;
  readonly override_idle_p99_ms: number;
  readonly override_p50_ms: number;
  readonly override_p99_ms: number;
  readonly resnapshot_per_s: number;
}

const root = path.resolve(import.meta.dirname, "..");
const idOf = (number: number): string => `dev-${String(number).padStart(7, "0")}`;
const scattered = (each: number, size: number): number => (each * 7919) % size;

async function writeFleet(file: string, devices: number): Promise<void> {
  const out = createWriteStream(file);
  for (const [kind, record] of fleetOf(devices))
    if (!out.write(`${kind}\t${JSON.stringify(record)}\n`))
      await new Promise<void>((resolve) => out.once("drain", () => resolve()));
  await new Promise<void>((resolve) => out.end(() => resolve()));
}

const cpuUs = (since?: NodeJS.CpuUsage): NodeJS.CpuUsage => process.cpuUsage(since);
const total = ({ user, system }: NodeJS.CpuUsage): number => user + system;

/** Loads the fleet as a source would send it, and looks records up. */
async function load(dir: string, file: string, devices: number) {
  const registry = await openRegistry({ dir, clock: systemClock });
  const validate = createRecordValidator();
  const mill = new RecordMill({ validate, verifiers: [], signedOnly: false });
  const feed = registry.feed("push:bench");
  const session = new SyncSession({
    feed,
    validate,
    mill,
    clock: systemClock,
    epoch: "bench",
    maxLostShare: 1,
    reply: (reply) => {
      if (reply.type !== "ack") throw new Error(`the snapshot was not taken: ${JSON.stringify(reply)}`);
    },
  });
  // The thread is there: how long it takes to start is not what grows with a fleet.
  while (!mill.ready) {
    await mill.grind([]);
    await sleep(20);
  }
  const handle = await open(file);
  let count = 0;
  const [cpu, started] = [cpuUs(), performance.now()];
  await session.take({ type: "begin_snapshot", revision: 1 });
  for await (const lines of readLines(handle)) {
    for (const { bytes } of lines) {
      const tab = bytes.indexOf(9);
      const [kind, record] = [bytes.toString("utf8", 0, tab), bytes.toString("utf8", tab + 1)];
      count++;
      const writing = session.take({ type: "upsert", kind, record, revision: 0 });
      if (writing !== undefined) await writing;
    }
  }
  await session.take({ type: "end_snapshot", count, checksum: "" });
  const seconds = (performance.now() - started) / 1000;
  const used = total(cpuUs(cpu));
  await handle.close();
  const sample = Array.from({ length: 2000 }, (_, each) =>
    JSON.stringify(deviceAt(scattered(each, devices))),
  );
  // The thread did this: here the code is still cold.
  for (let round = 0; round < 5; round++) for (const each of sample) validate("device", JSON.parse(each));
  const bare = cpuUs();
  for (const each of sample) validate("device", JSON.parse(each));
  const bareUs = total(cpuUs(bare)) / sample.length;
  const ids = Array.from({ length: 50_000 }, (_, each) => idOf(scattered(each, devices)));
  const fingerprints = Array.from(
    { length: 5000 },
    (_, each) => Object.keys(deviceAt(scattered(each, devices)).credentials)[0] ?? "",
  );
  const lookup_us = medianUs((each) => registry.device(ids[each % ids.length] ?? ""));
  const by_index_us = medianUs((each) => {
    const [id = ""] = registry.deviceIdsBy(
      "fingerprint",
      fingerprints[each % fingerprints.length] ?? "",
      undefined,
      // As a proof is looked up: two would be ambiguous.
      2,
    );
    return id;
  });
  await session[Symbol.asyncDispose]();
  await feed[Symbol.asyncDispose]();
  await registry[Symbol.asyncDispose]();
  await mill[Symbol.asyncDispose]();
  return {
    snapshot_per_s: count / seconds,
    snapshot_cpu_us: used / count,
    bare_cpu_us: bareUs,
    lookup_us,
    by_index_us,
  };
}

interface Service extends ChildServer {
  readonly readyS: number;
}

async function serve(folder: string): Promise<Service> {
  const started = performance.now();
  const place = { env: "prod", region: "eu-west", endpoint: "ep-telemetry", zone: "none" };
  const config = {
    grpc: { listen: "127.0.0.1:0" },
    http: { listen: "127.0.0.1:0" },
    bundle: {
      file: path.join(root, "bundles/sallyport.tar.gz"),
      keyset: path.join(root, "examples/quickstart/keys/keyset.json"),
    },
    registry: { dir: path.join(folder, "store"), push: { max_delete_share: 1 } },
    overrides: { initialize: true },
    peers: [
      {
        name: "bench",
        match: { loopback: true },
        tenants: ["*"],
        kinds: ["*", "admin", "feed", "inspect"],
        may_assert: ["credential"],
        ...place,
      },
    ],
    decision_log: { sink: "none" },
    log: { level: "error" },
  };
  writeFileSync(path.join(folder, "config.json"), JSON.stringify(config));
  const server = await startBuilt(["--config", path.join(folder, "config.json")]);
  while (
    !(await fetch(`http://${server.http}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    ))
  )
    await sleep(10);
  return { ...server, readyS: (performance.now() - started) / 1000 };
}

/** Asks about devices all over the fleet, about 200 a second, until `done`; the times in milliseconds. */
async function ask(address: string, devices: number, done: Promise<unknown>): Promise<number[]> {
  const client = new DecisionServiceClient(address, credentials.createInsecure());
  const times: number[] = [];
  let ended = false;
  void done.then(() => (ended = true));
  for (let each = 0; !ended; each++) {
    const record = deviceAt(scattered(each % 400, devices));
    const [fingerprint = ""] = Object.keys(record.credentials);
    const { not_after = 0, not_before = 0 } = record.credentials[fingerprint] ?? {};
    const asserted = {
      type: "x509",
      trust_domain: record.trust_domain,
      device_id: record.id,
      tenant: record.tenant,
      fingerprint,
      not_before,
      not_after,
      key_protection: "software",
      usage: "telemetry",
    };
    const started = performance.now();
    await new Promise<void>((resolve, reject) =>
      client.checkPublish(
        {
          subject: { client_id: record.id, proof: { proof: { $case: "asserted", value: asserted } } },
          topic: `t/${record.tenant}/d/${record.id}/ops/temp`,
          qos: 0,
        } as never,
        (error) => (error === null ? resolve() : reject(error)),
      ),
    );
    times.push(performance.now() - started);
    await sleep(5);
  }
  client.close();
  return times;
}

function push(address: string, devices: number, ...rest: readonly string[]) {
  const args = ["--import", "tsx", "bench/registry-pusher.ts", address, String(devices), ...rest];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
  let told = "";
  child.stdout.on("data", (chunk: Buffer) => (told += chunk.toString()));
  return new Promise<{ per_s: number; refused: string }>((resolve, reject) =>
    child.once("close", (code) => {
      if (code === 0) resolve(JSON.parse(told));
      else reject(new Error(`the pusher ended with ${code}`));
    }),
  );
}

/** Sets and lifts overrides until `done`; the times of setting one, in milliseconds. */
async function contain(address: string, devices: number, done: Promise<unknown>): Promise<number[]> {
  const client = new AdminServiceClient(address, credentials.createInsecure());
  const times: number[] = [];
  let ended = false;
  void done.then(() => (ended = true));
  for (let each = 0; !ended; each++) {
    const started = performance.now();
    await new Promise<void>((resolve, reject) =>
      client.setOverride(
        {
          override: {
            id: "",
            kind: "disable_commands",
            target: { kind: "device", id: idOf(scattered(each, devices)) },
            mode: "",
            signal: "",
            reason: "bench",
            by: "",
            since: 0,
            expires_at: 0,
          },
          author: "",
          wait: false,
        },
        (error) => (error === null ? resolve() : reject(error)),
      ),
    );
    times.push(performance.now() - started);
    await sleep(20);
  }
  client.close();
  return times;
}

/** Measures one size; needs `dist/` to be built. */
export async function measureSize(devices: number, deltaSeconds = 10): Promise<SizeReport> {
  const folder = mkdtempSync(path.join(tmpdir(), "sallyport-registry-"));
  try {
    const file = path.join(folder, "fleet.tsv");
    await writeFleet(file, devices);
    const loaded = await load(path.join(folder, "store"), file, devices);
    rmSync(file);
    const disk_mb = statSync(path.join(folder, "store/records.lmdb")).size / 1e6;
    await (await serve(folder)).stop();
    const service = await serve(folder);
    try {
      await ask(service.address, devices, sleep(1500));
      const idle = await ask(service.address, devices, sleep(4000));
      const status = readFileSync(`/proc/${service.child.pid}/status`, "utf8");
      const rss_anon_mb = Number(/RssAnon:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1000;
      const deltas = push(service.address, devices, "deltas", String(deltaSeconds));
      const busy = await ask(service.address, devices, deltas);
      // The first ones of a process find code that nobody has run.
      await contain(service.address, devices, sleep(2000));
      const quiet = await contain(service.address, devices, sleep(6000));
      const snapshot = push(service.address, devices, "snapshot", "7");
      const overrides = await contain(service.address, devices, snapshot);
      return {
        devices,
        ...loaded,
        disk_mb,
        ready_s: service.readyS,
        rss_anon_mb,
        idle_p99_ms: quantile(idle, 0.99),
        deltas_per_s: (await deltas).per_s,
        serving_p99_ms: quantile(busy, 0.99),
        override_idle_p50_ms: quantile(quiet, 0.5),
        override_idle_p99_ms: quantile(quiet, 0.99),
        override_p50_ms: quantile(overrides, 0.5),
        override_p99_ms: quantile(overrides, 0.99),
        resnapshot_per_s: (await snapshot).per_s,
      };
    } finally {
      await service.stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
