/**
 * `npm run bench storm`: a reconnect storm. 10,000 devices lose their brokers five times, and each time all come back
 * within moments: 50,000 connects and what is tried again after a refusal. Four attached brokers ask one service. Counts
 * what was wrongly allowed, and draws `docs/reconnect-storm.svg`: answers by outcome, their time, and what waits.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Attached, attach, connect } from "../src/client/client.ts";
import type { DeviceRecord } from "../src/decision/facts.ts";
import { certificateFacts, deviceRecord, floorRecord, tenantRecord } from "../test/records.ts";
import { type ChildServer, startBuilt } from "./child-server.ts";
import { quantile } from "./measure.ts";
import { plot } from "./plot.ts";
import { writeReport } from "./report.ts";

const root = path.resolve(import.meta.dirname, "..");
const devices = 10_000;
const waves = 5;
const waveMs = 6000;
/** Mean time after the cut at which a device comes back, milliseconds: most come in the first moments. */
const meanMs = 400;
const brokers = 4;
/** A broker lets so many questions wait; beyond it a connect is refused at once. */
const maxWaiting = 1500;
/** A refused device waits half of this or more before it tries again, and twice as long each time, milliseconds. */
const retryMs = 1000;
const stepMs = 100;

const now = Math.floor(Date.now() / 1000);
const idOf = (number: number): string => `m-${String(number).padStart(5, "0")}`;
/** One in ten is quarantined, one in twenty has a revoked credential; none of these may connect. */
const isBad = (number: number): boolean => number % 10 === 3 || number % 20 === 7;

function recordOf(number: number): DeviceRecord {
  const record = deviceRecord(idOf(number), now);
  if (number % 10 === 3) {
    const quarantine = { active: true, mode: "block", since: now - 60, by: "operator" } as const;
    return { ...record, state: { ...record.state, quarantine } };
  }
  if (number % 20 !== 7) return record;
  const credentials = Object.fromEntries(
    Object.entries(record.credentials).map(([name, entry]) => [
      name,
      { ...entry, status: "revoked" } as const,
    ]),
  );
  return { ...record, credentials };
}

function serve(folder: string): Promise<ChildServer> {
  const records = [
    { kind: "tenant", record: tenantRecord("acme") },
    { kind: "firmware_policy", record: floorRecord("acme", "meter", now) },
    ...Array.from({ length: devices }, (_, number) => ({ kind: "device", record: recordOf(number) })),
  ];
  const at = (name: string): string => path.join(folder, name);
  writeFileSync(at("fleet.ndjson"), records.map((each) => `${JSON.stringify(each)}\n`).join(""));
  const peer = { env: "prod", region: "eu-west", endpoint: "ep-telemetry", tenants: ["*"] };
  const config = {
    grpc: { listen: "127.0.0.1:0" },
    http: { listen: "127.0.0.1:0" },
    bundle: {
      file: path.join(root, "bundles/sallyport.tar.gz"),
      keyset: path.join(root, "examples/quickstart/keys/keyset.json"),
    },
    overrides: { initialize: true },
    registry: { dir: at("registry"), file: { path: at("fleet.ndjson") } },
    peers: [
      { name: "brokers", match: { loopback: true }, ...peer, kinds: ["*"], may_assert: ["credential"] },
    ],
    decision_log: { sink: "file", path: at("decisions.ndjson") },
    log: { level: "error" },
  };
  writeFileSync(at("config.json"), JSON.stringify(config));
  return startBuilt(["--config", at("config.json")]);
}

type Outcome = "allowed" | "denied" | "refused";
interface Attempt {
  /** When it was answered, and how long that took, milliseconds. */
  readonly atMs: number;
  readonly tookMs: number;
  readonly outcome: Outcome;
}

/** Refusals that have nothing to do with the device: it may try again. */
const transient: ReadonlySet<string> = new Set(["rate_limited", "internal_error"]);
const subjects = Array.from({ length: devices }, (_, number) => ({
  client_id: idOf(number),
  proof: { type: "asserted" as const, credential: certificateFacts(idOf(number), now) },
}));

class Storm {
  readonly attempts: Attempt[] = [];
  readonly arrivals: number[] = [];
  readonly waiting: { readonly atMs: number; readonly questions: number }[] = [];
  wronglyAllowed = 0;
  readonly connected: Set<number> = new Set();
  readonly #clients: readonly Attached[];
  readonly #startMs = performance.now();
  readonly #sessions = new Map<number, { closed(): void }>();
  #open = 0;
  /** A device that loses its broker again begins anew: what it tried before counts no more. */
  #wave = 0;

  constructor(clients: readonly Attached[]) {
    this.#clients = clients;
  }

  async run(): Promise<void> {
    const sampling = setInterval(() => {
      const questions = this.#clients.reduce((sum, client) => sum + client.metrics().waiting, 0);
      this.waiting.push({ atMs: performance.now() - this.#startMs, questions });
    }, stepMs / 4);
    for (this.#wave = 1; this.#wave <= waves; this.#wave++) {
      for (const session of this.#sessions.values()) session.closed();
      this.#sessions.clear();
      this.connected.clear();
      for (let number = 0; number < devices; number++)
        this.#later(-Math.log(1 - Math.random()) * meanMs, number, 0);
      await sleep(waveMs);
    }
    while (this.#open > 0) await sleep(10);
    clearInterval(sampling);
  }

  #later(ms: number, number: number, refusals: number): void {
    this.#open += 1;
    const wave = this.#wave;
    const come = async (): Promise<void> => {
      if (wave === Math.min(this.#wave, waves)) await this.#connect(number, refusals);
      this.#open -= 1;
    };
    setTimeout(() => void come(), ms);
  }

  async #connect(number: number, refusals: number): Promise<void> {
    const client = this.#clients[Math.floor(Math.random() * brokers)] as Attached;
    const subject = subjects[number] as (typeof subjects)[number];
    const sentMs = performance.now();
    this.arrivals.push(sentMs - this.#startMs);
    const decision = await client.decide({ kind: "connect", subject });
    const { allow, reason } = decision;
    const outcome = allow ? "allowed" : transient.has(reason) ? "refused" : "denied";
    const atMs = performance.now();
    this.attempts.push({ atMs: atMs - this.#startMs, tookMs: atMs - sentMs, outcome });
    if (outcome === "refused")
      this.#later(retryMs * 2 ** refusals * (0.5 + Math.random() / 2), number, refusals + 1);
    if (!allow) return;
    if (isBad(number)) this.wronglyAllowed += 1;
    this.connected.add(number);
    this.#sessions.get(number)?.closed();
    this.#sessions.set(
      number,
      client.session({ subject, connect: decision, onEnd: () => undefined, onRevoked: () => undefined }),
    );
  }
}

/** Somebody else, who asks about one device in a call of its own every 20 ms. */
async function bystander(address: string, until: () => boolean): Promise<number[]> {
  await using client = connect({ address, deadlineMs: 10_000 });
  const subject = subjects[0] as (typeof subjects)[number];
  const times: number[] = [];
  while (!until()) {
    const sentMs = performance.now();
    await client.decide({
      kind: "publish",
      subject,
      topic: `t/acme/d/${subject.client_id}/ops/x`,
      qos: 0,
      retain: false,
    });
    times.push(performance.now() - sentMs);
    await sleep(20);
  }
  return times;
}

const round = (value: number): number => Math.round(value * 10) / 10;

/** Values by step of time. */
function bySteps<T>(items: readonly T[], atMs: (item: T) => number): T[][] {
  const steps: T[][] = [];
  for (const item of items) (steps[Math.floor(atMs(item) / stepMs)] ??= []).push(item);
  return Array.from(steps, (step) => step ?? []);
}

function report(storm: Storm, streamEnds: number, calm: readonly number[], beside: readonly number[]): void {
  const { arrivals, attempts, connected, waiting, wronglyAllowed } = storm;
  const good = Array.from({ length: devices }, (_, number) => number).filter((number) => !isBad(number));
  const of = (outcome: Outcome): readonly Attempt[] => attempts.filter((each) => each.outcome === outcome);
  const answered = attempts.filter(({ outcome }) => outcome !== "refused").map(({ tookMs }) => tookMs);
  const found = {
    connects: attempts.length,
    first_tries: devices * waves,
    allowed: of("allowed").length,
    denied: of("denied").length,
    refused: of("refused").length,
    wrongly_allowed: wronglyAllowed,
    left_out: good.filter((number) => !connected.has(number)).length,
    answer_p50_ms: round(quantile(answered, 0.5)),
    answer_p99_ms: round(quantile(answered, 0.99)),
    answer_max_ms: round(quantile(answered, 1)),
    most_waiting: Math.max(...waiting.map(({ questions }) => questions)),
    streams_ended: streamEnds,
    bystander_calm_p99_ms: round(quantile(calm, 0.99)),
    bystander_storm_p99_ms: round(quantile(beside, 0.99)),
  };
  console.table(found);
  writeReport("storm", found);
  const perSecond = 1000 / stepMs;
  const steps = bySteps(attempts, ({ atMs }) => atMs);
  const rate = (outcome: Outcome): number[] =>
    steps.map((step) => step.filter((each) => each.outcome === outcome).length * perSecond);
  const time = (share: number): number[] =>
    steps.map((step) =>
      quantile(
        step.filter(({ outcome }) => outcome !== "refused").map(({ tookMs }) => tookMs),
        share,
      ),
    );
  const come = bySteps(arrivals, (atMs) => atMs).map((step) => step.length * perSecond);
  const queue = bySteps(waiting, ({ atMs }) => atMs).map((step) =>
    Math.max(0, ...step.map(({ questions }) => questions)),
  );
  const drawing = plot(
    `${devices.toLocaleString("en")} devices come back ${waves} times; ${brokers} brokers, one service, ${cpus().length} processors`,
    [
      { title: "connects per second", series: [{ name: "come in", colour: "#555", values: come }] },
      {
        title: "answers per second",
        stacked: true,
        series: [
          { name: "allowed", colour: "#4a9d5b", values: rate("allowed") },
          { name: "denied, rightly", colour: "#c9682f", values: rate("denied") },
          { name: "refused: come again later", colour: "#b9b9b9", values: rate("refused") },
        ],
      },
      {
        title: "time to an answer, milliseconds",
        series: [
          { name: "p50", colour: "#3b6fb6", values: time(0.5) },
          { name: "p99", colour: "#b63b6f", values: time(0.99) },
        ],
      },
      {
        title: `questions that wait at the brokers (at most ${(maxWaiting * brokers).toLocaleString("en")})`,
        series: [{ name: "waiting", colour: "#555", values: queue }],
      },
    ],
    stepMs / 1000,
  );
  writeFileSync(path.join(root, "docs/reconnect-storm.svg"), drawing);
  if (wronglyAllowed > 0 || found.left_out > 0) process.exitCode = 1;
}

const folder = mkdtempSync(path.join(tmpdir(), "sallyport-storm-"));
const service = await serve(folder);
const clients = Array.from({ length: brokers }, (_, number) =>
  attach({ addresses: [service.address], name: `broker-${number}`, deadlineMs: 5000, maxWaiting }),
);
try {
  await Promise.all(clients.map((client) => client.ready(10_000)));
  const calmUntilMs = performance.now() + 3000;
  const calm = await bystander(service.address, () => performance.now() > calmUntilMs);
  const storm = new Storm(clients);
  let over = false;
  const beside = bystander(service.address, () => over);
  await storm.run();
  over = true;
  const besideMs = await beside;
  const streamEnds = clients.reduce((sum, client) => sum + client.metrics().stream_ends, 0);
  report(storm, streamEnds, calm, besideMs);
} finally {
  for (const client of clients) await client[Symbol.asyncDispose]();
  await service.stop();
  rmSync(folder, { recursive: true, force: true });
}
