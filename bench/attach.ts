/** `npm run bench attach [stream] [client] [revocation]`: attached streams, the client's memory, revocations. */
import { credentials } from "@grpc/grpc-js";
import { type Attached, attach } from "../src/client/client.ts";
import { toWireItem } from "../src/client/to-wire.ts";
import { AdminServiceClient, type QuarantineResponse } from "../src/gen/sallyport/v1/admin.ts";
import { type AttachResponse, BrokerServiceClient } from "../src/gen/sallyport/v1/broker.ts";
import { publishOf, subjectOf } from "../test/client/attached.ts";
import { budgetRows, type Line } from "./budget.ts";
import { startServer } from "./child-server.ts";
import { median, quantile } from "./measure.ts";
import { writeReport } from "./report.ts";

const batchSize = 64;
const window = 8;

/** Answers per second of one stream that keeps `window` batches on their way for `ms`. */
async function answersPerSecond(address: string, ms: number): Promise<number> {
  const stub = new BrokerServiceClient(address, credentials.createInsecure());
  const stream = stub.attach();
  const items = Array.from({ length: batchSize }, (_, i) => toWireItem(publishOf(subjectOf(i))));
  let answered = 0;
  let batch_id = 0;
  const send = (): void => {
    batch_id += 1;
    stream.write({ message: { $case: "checks", value: { batch_id, items } } });
  };
  const started = performance.now();
  await new Promise<void>((resolve, reject) => {
    stream.on("error", reject);
    stream.on("data", ({ message }: AttachResponse) => {
      if (message?.$case !== "results") return;
      const { results } = message.value;
      if (results.some(({ decision }) => decision?.allow !== true)) reject(new Error("expected allows"));
      answered += results.length;
      if (performance.now() - started < ms) send();
      else resolve();
    });
    stream.write({ message: { $case: "hello", value: { client: "bench", fail_static: [] } } });
    for (let i = 0; i < window; i++) send();
  });
  const rate = (answered * 1000) / (performance.now() - started);
  stream.on("error", () => {});
  stream.cancel();
  stub.close();
  return rate;
}

async function measureStream() {
  const echo = await startServer("attach-echo.ts");
  const service = await startServer("attach-service.ts", "100");
  try {
    const rates = { echo: [] as number[], service: [] as number[] };
    for (const { address } of [echo, service]) await answersPerSecond(address, 1000);
    for (let round = 0; round < 4; round++) {
      rates.echo.push(await answersPerSecond(echo.address, 1500));
      rates.service.push(await answersPerSecond(service.address, 1500));
    }
    const [bare, cached] = [median(rates.echo), median(rates.service)];
    return { echo_per_s: bare, attached_per_s: cached, ratio: cached / bare };
  } finally {
    await Promise.all([echo.stop(), service.stop()]);
  }
}

/**
 * Hits per second of processor time, all threads of the process counted, a median of rounds: what others run meanwhile is
 * not counted. The loop lets the lease be renewed in between.
 */
async function hitsPerSecond(client: Attached, queries: readonly ReturnType<typeof publishOf>[]) {
  const rates: number[] = [];
  const calls = 100_000;
  let at = 0;
  for (let round = 0; round < 11; round++) {
    const before = process.cpuUsage();
    for (let i = 0; i < calls; i++) {
      const decision = client.decide(queries[at] as ReturnType<typeof publishOf>);
      if (decision instanceof Promise || !decision.allow) throw new Error("expected a remembered allow");
      at += 1;
      if (at === queries.length) at = 0;
    }
    const { system, user } = process.cpuUsage(before);
    rates.push((calls * 1e6) / (system + user));
    await new Promise((resolve) => setImmediate(resolve));
  }
  return median(rates);
}

async function measureClient() {
  const devices = 40_000;
  const service = await startServer("attach-service.ts", String(devices), "none");
  await using client = attach({ addresses: [service.address], deadlineMs: 5000, maxWaiting: devices });
  try {
    await client.ready(5000);
    const queries = Array.from({ length: devices }, (_, i) => publishOf(subjectOf(i)));
    // Twice: what a busy machine let lapse meanwhile is asked again.
    for (let from = 0; from < devices * 2; from += 1000) {
      const at = from % devices;
      await Promise.all(queries.slice(at, at + 1000).map(async (query) => client.decide(query)));
    }
    const few = await hitsPerSecond(client, queries.slice(0, 1000));
    const mixed = queries.map((_query, i) => queries[(i * 7919) % devices] as (typeof queries)[number]);
    return { hits_1k_per_s: few, hits_40k_per_s: await hitsPerSecond(client, mixed) };
  } finally {
    await service.stop();
  }
}

/** A bare change told to `clients` streams, each on a connection of its own, until the last has acknowledged it. */
async function measureFanOut(clients: number, samples: number): Promise<number[]> {
  const echo = await startServer("attach-echo.ts");
  const open = () =>
    new BrokerServiceClient(echo.address, credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
    });
  const stubs = Array.from({ length: clients }, open);
  const streams = stubs.map((stub) => stub.attach());
  for (const stream of streams) {
    stream.on("error", () => {});
    stream.on("data", ({ message }: AttachResponse) => {
      if (message?.$case === "change")
        stream.write({ message: { $case: "ack", value: { position: message.value.position } } });
    });
    stream.write({ message: { $case: "hello", value: { client: "bench", fail_static: [] } } });
  }
  const admin = open();
  const asking = admin.attach();
  asking.on("error", () => {});
  const times: number[] = [];
  await new Promise((resolve) => setTimeout(resolve, 1000));
  for (let sample = 0; sample < samples; sample++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    const started = performance.now();
    const done = new Promise((resolve) => asking.once("data", resolve));
    asking.write({ message: { $case: "list", value: { sessions: [] } } });
    await done;
    times.push(performance.now() - started);
  }
  for (const stream of [...streams, asking]) stream.cancel();
  for (const stub of [...stubs, admin]) stub.close();
  await echo.stop();
  return times;
}

async function measureRevocation() {
  const clients = 100;
  const targets = 60;
  const each = 100;
  const service = await startServer("attach-service.ts", String(clients * each + targets), "none");
  const attached = Array.from({ length: clients }, (_, i) =>
    attach({ addresses: [service.address], name: `bench-${i}`, deadlineMs: 20_000, maxWaiting: 10_000 }),
  );
  const admin = new AdminServiceClient(service.address, credentials.createInsecure());
  const times: number[] = [];
  try {
    await Promise.all(attached.map(async (client) => client.ready(10_000)));
    for (const [c, client] of attached.entries()) {
      await Promise.all(
        Array.from({ length: each }, async (_, s) => {
          const subject = subjectOf(targets + c * each + s);
          const connect = await client.decide({ kind: "connect", subject });
          client.session({ subject, connect, onEnd: () => {}, onRevoked: () => {} });
        }),
      );
    }
    for (let target = 0; target < targets; target++) {
      const query = publishOf(subjectOf(target));
      await Promise.all(attached.map(async (client) => client.decide(query)));
      await new Promise((resolve) => setTimeout(resolve, 20));
      const started = performance.now();
      const answer = await new Promise<QuarantineResponse>((resolve, reject) =>
        admin.quarantine(
          { device_id: `meter-${target}`, mode: "", reason: "bench", expires_at: 0, author: "", wait: true },
          (error, done) => (error === null ? resolve(done) : reject(error)),
        ),
      );
      times.push(performance.now() - started);
      if (answer.receipt?.evicted.length !== clients)
        throw new Error(`expected ${clients} acknowledgements, not ${JSON.stringify(answer.receipt)}`);
    }
    const bare = await measureFanOut(clients, targets);
    return {
      clients,
      sessions: clients * each,
      samples: targets,
      p50_ms: quantile(times, 0.5),
      p99_ms: quantile(times, 0.99),
      bare_p50_ms: quantile(bare, 0.5),
      bare_p99_ms: quantile(bare, 0.99),
    };
  } finally {
    for (const client of attached) await client[Symbol.asyncDispose]();
    admin.close();
    await service.stop();
  }
}

/** Whatever is measured, with the lines of its budget. */
const parts: Readonly<
  Record<string, () => Promise<{ readonly found: object; readonly lines: readonly Line[] }>>
> = {
  stream: async () => {
    const found = await measureStream();
    const what = `attached batches of ${batchSize}, cached / bare echo stream`;
    return { found, lines: [{ what, measured: found.ratio, budget: 0.6, atLeast: true, unit: "x" }] };
  },
  client: async () => {
    const found = await measureClient();
    const line = (what: string, perSecond: number, budget: number): Line => ({
      what,
      measured: perSecond / 1e6,
      budget,
      atLeast: true,
      unit: "M/s",
    });
    const lines = [
      line("client hit, 1k keys", found.hits_1k_per_s, 5),
      line("client hit, 40k random keys", found.hits_40k_per_s, 1),
    ];
    return { found, lines };
  },
  revocation: async () => {
    const found = await measureRevocation();
    const what = `revocation, ${found.clients} clients, ${found.sessions} sessions, p99`;
    return { found, lines: [{ what, measured: found.p99_ms, budget: 50, atLeast: false, unit: "ms" }] };
  },
};
const named = process.argv.slice(2).filter((word) => word in parts);
const report: Record<string, object> = {};
const lines: Line[] = [];
for (const name of named.length === 0 ? Object.keys(parts) : named) {
  const measured = await parts[name]?.();
  if (measured === undefined) continue;
  report[name] = measured.found;
  lines.push(...measured.lines);
}
const rows = budgetRows(lines);
console.table(rows);
console.log(report);
writeReport("attach", { lines: rows, ...report });
