import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { attach, type Client, connect } from "../src/client/client.ts";
import { sallyport } from "./cli/run.ts";
import { type Fleet, makeFleet, publishOf, subjectOf } from "./client/attached.ts";
import { type Processes, serveProcesses } from "./processes.ts";

const workers = 3;
const devices = 60;

let fleet: Fleet;
let service: Processes;
/** More connections than workers: the primary deals them out in turn. */
let clients: Client[];
let next = 0;

beforeAll(async () => {
  fleet = makeFleet(devices, {
    workers,
    log: { level: "info" },
    shutdown: { drain_s: 1 },
    processes: { silent_s: 5 },
    decision_log: { sink: "file", path: "decisions.ndjson", aggregate_hits_s: 0.2 },
  });
  service = await serveProcesses(fleet.config);
  clients = Array.from({ length: workers * 4 }, () => connect({ address: service.grpc, deadlineMs: 8000 }));
}, 120_000);
afterAll(async () => {
  for (const client of clients) await client[Symbol.asyncDispose]();
  await service[Symbol.asyncDispose]();
  fleet[Symbol.dispose]();
});

/** The process that gave a decision: its ids begin with what is its own. */
const processOf = (id: string): string => id.slice(0, 8);
const quarantine = async (device: string, ...more: readonly string[]): Promise<string> => {
  const args = ["quarantine", device, "--reason", "test", "--address", service.grpc, ...more];
  const ended = await sallyport(args);
  expect(ended.code, ended.stderr).toBe(0);
  return ended.stdout;
};
const reasonsOf = async (i: number): Promise<string[]> =>
  Promise.all(clients.map(async (client) => (await client.decide(publishOf(subjectOf(i)))).reason));

describe("a service of several processes", { timeout: 300_000 }, () => {
  it("answers from every worker, as one", async () => {
    const decisions = await Promise.all(clients.map((client) => client.decide(publishOf(subjectOf(0)))));
    expect(new Set(decisions.map(({ reason }) => reason))).toEqual(new Set(["ok"]));
    expect(new Set(decisions.map(({ decision_id }) => processOf(decision_id))).size).toBe(workers);
    expect(new Set(decisions.map(({ bundle_revision }) => bundle_revision)).size).toBe(1);
  });

  it("has an override in force in every worker when the command ends", async () => {
    for (let turn = 0; turn < 3; turn++) {
      const i = next++;
      expect(new Set(await reasonsOf(i))).toEqual(new Set(["ok"]));
      await quarantine(`meter-${i}`);
      expect(new Set(await reasonsOf(i))).toEqual(new Set(["device_quarantined"]));
    }
  });

  it("has records in force in every worker when their file was read", async () => {
    const i = next++;
    expect(new Set(await reasonsOf(i))).toEqual(new Set(["ok"]));
    fleet.write({ [`meter-${i}`]: { state: { lifecycle: "retired" } } });
    service.child.kill("SIGHUP");
    const first = clients[0] as Client;
    await service.until(
      "the first worker denies",
      async () => (await first.decide(publishOf(subjectOf(i)))).reason === "device_retired",
    );
    // The primary tells all of them in one step: none lags by more than a message.
    await service.until("all deny", async () => new Set(await reasonsOf(i)).size === 1, 500);
  });

  it("makes a receipt of what brokers at all workers answer", async () => {
    const i = next++;
    const brokers = Array.from({ length: workers * 2 }, (_, each) =>
      attach({ addresses: [service.grpc], name: `broker-${each}` }),
    );
    try {
      for (const broker of brokers) {
        await broker.ready(10_000);
        expect((await broker.decide(publishOf(subjectOf(i)))).reason).toBe("ok");
      }
      const said = await quarantine(`meter-${i}`, "--wait");
      expect(said).toMatch(`evicted: ${brokers.length} attached clients have forgotten older answers`);
      for (const broker of brokers)
        expect((await broker.decide(publishOf(subjectOf(i)))).reason).toBe("device_quarantined");
    } finally {
      for (const broker of brokers) await broker[Symbol.asyncDispose]();
    }
  });

  it("adds up the numbers of all workers", async () => {
    const i = next++;
    const before = await service.metrics();
    await reasonsOf(i);
    await reasonsOf(i);
    const after = await service.metrics();
    const grown = (name: string): number => (after.get(name) ?? 0) - (before.get(name) ?? 0);
    expect(grown('sallyport_cache_lookups_total{outcome="hit"}')).toBeGreaterThanOrEqual(clients.length);
    expect(grown('sallyport_decisions_evaluated_total{kind="publish",reason="ok"}')).toBeGreaterThanOrEqual(
      workers,
    );
    expect(after.get('sallyport_workers{state="live"}')).toBe(workers);
    expect(after.get("sallyport_bundle_sequence")).toBe(before.get("sallyport_bundle_sequence"));
  });

  it("replaces a worker that is killed: its counters stay, and its answers are as before", async () => {
    const before = await service.metrics();
    const [[number, pid]] = [...service.workers()] as [[number, number]];
    process.kill(pid, "SIGKILL");
    await service.until("it is replaced", () => (service.workers().get(number) ?? pid) !== pid);
    expect(service.lines.some((line) => line.msg.startsWith("a worker has ended") && line.pid === pid)).toBe(
      true,
    );
    expect(new Set(await reasonsOf(0))).toEqual(new Set(["device_quarantined"]));
    const evaluated = 'sallyport_decisions_evaluated_total{kind="publish",reason="ok"}';
    expect((await service.metrics()).get(evaluated)).toBeGreaterThanOrEqual(before.get(evaluated) ?? 0);
    expect((await service.metrics()).get('sallyport_worker_ends_total{cause="crashed"}')).toBe(1);
  });

  it.each(["SIGKILL", "SIGSTOP"] as const)(
    "gives no wrong answer while workers get %s under load",
    async (signal) => {
      let stop = false;
      const contained = new Set<number>();
      const asked = { ok: 0, denied: 0, failed: 0 };
      const wrong: string[] = [];
      const load = clients.map(async (client, seat) => {
        for (let turn = seat; !stop; turn++) {
          const i = turn % devices;
          // What was acknowledged before the question left must be in the answer.
          const known = contained.has(i);
          const { allow, reason } = await client.decide(publishOf(subjectOf(i), `ops/x${turn % 7}`));
          if (allow) asked.ok++;
          else if (reason === "device_quarantined") asked.denied++;
          else asked.failed++;
          if (allow && known) wrong.push(`meter-${i} was allowed after its quarantine`);
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      });
      for (let turn = 0; turn < 3; turn++) {
        const pids = [...service.workers().values()];
        process.kill(pids[turn % pids.length] as number, signal);
        const i = next++;
        // The command may have been given to the worker that stands still; then it is given again.
        await service.until("it is quarantined", async () => {
          const args = ["quarantine", `meter-${i}`, "--reason", "test", "--address", service.grpc];
          return (await sallyport(args)).code === 0;
        });
        contained.add(i);
        await service.until("all workers answer", () => service.workers().size === workers, 90_000);
      }
      stop = true;
      await Promise.all(load);
      expect(wrong).toEqual([]);
      expect(asked.ok).toBeGreaterThan(100);
      expect(asked.denied).toBeGreaterThan(0);
      if (signal === "SIGSTOP") {
        expect(
          (await service.metrics()).get('sallyport_worker_ends_total{cause="silent"}'),
        ).toBeGreaterThanOrEqual(3);
      }
    },
  );

  it("keeps a log for each worker, and stops in order", async () => {
    expect(await service.stop()).toBe(0);
    const logs = readdirSync(fleet.folder).filter((name) => name.startsWith("decisions"));
    expect(logs.sort()).toEqual([
      "decisions.ndjson",
      ...Array.from({ length: workers }, (_, i) => `decisions.worker-${i + 1}.ndjson`),
    ]);
    const own = readFileSync(join(fleet.folder, "decisions.ndjson"), "utf8");
    expect(own).toMatch("quarantine.set");
    for (const name of logs) {
      const lines = readFileSync(join(fleet.folder, name), "utf8").split("\n").filter(Boolean);
      expect(lines.length).toBeGreaterThan(0);
      for (const line of lines) JSON.parse(line);
    }
  });
});
