/**
 * A single-use claim, through whole services: spent once whoever shows it when, remembered while its source is away and
 * after a restart, told to that source, and spent for good whatever the source says later.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { App } from "../../src/app.ts";
import { connect as dial } from "../../src/client/client.ts";
import type { Claim, Credential } from "../../src/decision/facts.ts";
import type { Subject } from "../../src/decision/query.ts";
import { type Fleet, makeFleet, serveFleet, subjectOf } from "../client/attached.ts";
import { describeWithNats } from "../nats.ts";
import { serveProcesses } from "../processes.ts";
import { bucketHome, pusherHome, type RecordHome, serverHome } from "./record-homes.ts";
import { until } from "./until.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const made = Math.floor(Date.now() / 1000);
/** Two devices come with one claim: whichever uses it has used it for both. */
const claim: Claim = { single_use: true, used: false, device_ids: ["meter-0", "meter-1"] };
const inRecord = {
  status: "active",
  bound_at: 0,
  last_used_at: 0,
  devices: 0,
  type: "claim",
  claim,
} as const;
const fresh = {
  state: { lifecycle: "provisioned", last_seen_at: 0 },
  credentials: { "claim-1": inRecord },
};

/** A device that shows the claim. What its broker says of it is what the claim says: unused. */
function showing(i: number, over: Partial<Credential> = {}): Subject {
  const credential: Credential = {
    type: "claim",
    trust_domain: "prod.devices.acme.example",
    device_id: `meter-${i}`,
    tenant: "acme",
    fingerprint: "claim-1",
    not_before: made - 3600,
    not_after: made + 86_400,
    key_protection: "software",
    usage: "telemetry",
    claim,
    ...over,
  };
  return { client_id: `meter-${i}`, proof: { type: "asserted", credential } };
}

const connect = async (app: App, i = 0): Promise<string> =>
  (await app.decider("broker").decide({ kind: "connect", subject: showing(i) })).reason;

function fleetOf(home: RecordHome): { fleet: Fleet; lines: (patches: object) => readonly string[] } {
  const registry = { dir: "registry", ...home.registry };
  const fleet = makeFleet(3, { registry, ...home.more });
  closing.push(() => fleet[Symbol.dispose]());
  const lines = (patches: object): readonly string[] => {
    fleet.write(patches as Record<string, object>);
    return readFileSync(path.join(fleet.folder, "fleet.ndjson"), "utf8").trimEnd().split("\n");
  };
  return { fleet, lines };
}

/** Runs a service until `work` is done. */
async function during(fleet: Fleet, work: (app: App) => Promise<void>): Promise<void> {
  const app = await serveFleet(fleet);
  try {
    await work(app);
  } finally {
    await app.close();
  }
}

/** What the records in force say, before anything that the service remembers itself. */
const inForce = (app: App, i: number): boolean | undefined =>
  app.registry.device(`meter-${i}`)?.record?.credentials["claim-1"]?.claim?.used;

async function spendsOnce(home: RecordHome): Promise<void> {
  closing.push(() => home[Symbol.asyncDispose]());
  const { fleet, lines } = fleetOf(home);
  const said = lines({ "meter-0": fresh, "meter-1": fresh });
  await home.say(said);
  const used = async (i: number): Promise<boolean | undefined> =>
    (await home.device(`meter-${i}`).catch(() => undefined))?.credentials["claim-1"]?.claim?.used;
  await during(fleet, async (app) => {
    await home.visit(app.grpcAddress);
    await until(() => inForce(app, 0) === false);
    await home.leave();
    // At once, from two devices and over and over: one passes.
    const reasons = await Promise.all([0, 1, 0, 1, 0, 1, 0, 1].map((i) => connect(app, i)));
    expect(reasons.toSorted()).toEqual([...Array<string>(7).fill("claim_spent"), "ok_provisioning"]);
  });
  // Its source has not heard of it, and its records in force say that it is unused: it is spent all the same.
  await during(fleet, async (app) => {
    expect(inForce(app, 0)).toBe(false);
    expect([await connect(app, 0), await connect(app, 1)]).toEqual(["claim_spent", "claim_spent"]);
    await home.comeBack();
    await home.visit(app.grpcAddress);
    // Its source has it, in the record of each device that lists it, and says so itself then.
    await until(async () => (await used(0)) === true && (await used(1)) === true);
    await home.visit(app.grpcAddress);
    await until(() => inForce(app, 0) === true && inForce(app, 1) === true);
    const record = await home.device("meter-0");
    expect(record.credentials["claim-1"]).toEqual({ ...inRecord, claim: { ...claim, used: true } });
    const [kept] = said.flatMap((line) => {
      const { record: each } = JSON.parse(line) as { record: { id?: string } };
      return each.id === "meter-0" ? [each] : [];
    });
    expect({ ...record, credentials: {} }).toMatchObject({ ...kept, credentials: {} });
    expect(home.told).toBe(2);
    expect(await connect(app, 0)).toBe("claim_spent");
    // An ordinary device of the same source is served as ever.
    const other = await app.decider("broker").decide({ kind: "connect", subject: subjectOf(2) });
    expect(other.reason).toBe("ok");
  });
  // A source that forgets what it knew is told again, and nobody passes meanwhile.
  await during(fleet, async (app) => {
    expect(home.told).toBe(2);
    await home.say(lines({ "meter-0": fresh, "meter-1": fresh }));
    const before = home.told;
    await home.visit(app.grpcAddress);
    expect(await connect(app, 0)).toBe("claim_spent");
    await until(async () => (await used(0)) === true && (await used(1)) === true);
    expect(home.told).toBe(before + 2);
    await home.visit(app.grpcAddress);
    await until(() => inForce(app, 0) === true && inForce(app, 1) === true);
  });
  // A service that has nothing but the records, its own memory lost: they say so, whatever a broker asserts.
  rmSync(path.join(fleet.folder, "registry"), { recursive: true });
  await during(fleet, async (app) => {
    await home.visit(app.grpcAddress);
    await until(() => inForce(app, 0) === true);
    expect([await connect(app, 0), await connect(app, 1)]).toEqual(["claim_spent", "claim_spent"]);
  });
}

/** One claim for each device. */
const own = (i: number): object => ({
  ...fresh,
  credentials: { [`claim-${i}`]: { ...inRecord, claim: { ...claim, device_ids: [`meter-${i}`] } } },
});

async function spendsOnceInProcesses(): Promise<void> {
  const devices = 60;
  const fleet = makeFleet(devices, { workers: 2, log: { level: "info" }, shutdown: { drain_s: 1 } });
  closing.push(() => fleet[Symbol.dispose]());
  fleet.write(Object.fromEntries(Array.from({ length: devices }, (_, i) => [`meter-${i}`, own(i)])));
  const service = await serveProcesses(fleet.config);
  closing.push(() => service[Symbol.asyncDispose]());
  // More connections than workers: the primary deals them out in turn.
  const clients = Array.from({ length: 8 }, () => dial({ address: service.grpc, deadlineMs: 10_000 }));
  for (const client of clients) closing.push(() => client[Symbol.asyncDispose]());
  const passed: number[] = [];
  const answered = new Set<string>();
  for (let i = 0; i < devices; i++) {
    const only = { single_use: true, used: false, device_ids: [`meter-${i}`] };
    const subject = showing(i, { fingerprint: `claim-${i}`, claim: only });
    const decisions = await Promise.all(clients.map((client) => client.decide({ kind: "connect", subject })));
    passed.push(decisions.filter(({ allow }) => allow).length);
    for (const { decision_id, reason } of decisions) {
      answered.add(decision_id.slice(0, 8));
      expect(["ok_provisioning", "claim_spent"]).toContain(reason);
    }
  }
  expect(answered.size).toBe(2);
  expect(passed).toEqual(Array<number>(devices).fill(1));
}

const timeout = 180_000;

describe("a claim is spent once, and its source hears of it", { timeout }, () => {
  it("whichever of two processes it is shown to, at the same time", spendsOnceInProcesses);

  it("over HTTP", async () => {
    await spendsOnce(await serverHome());
  });

  it("where records are pushed", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "sallyport-pusher-"));
    closing.push(() => rmSync(folder, { recursive: true, force: true }));
    await spendsOnce(await pusherHome(folder));
  });
});

describeWithNats("a claim is spent once, and its source hears of it over NATS", () => {
  it("in the bucket of the records", { timeout }, async () => {
    await spendsOnce(await bucketHome());
  });
});
