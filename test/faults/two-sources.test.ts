/** Two sources of one service with workers: each with its own tenants, in force in every worker, aged each for itself. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Client, connect } from "../../src/client/client.ts";
import type { Decision } from "../../src/decision/decision.ts";
import type { PublishQuery, Subject } from "../../src/decision/query.ts";
import type { Json } from "../cases/table.ts";
import { sallyport } from "../cli/run.ts";
import { type Fleet, makeFleet, publishOf, subjectOf } from "../client/attached.ts";
import { type Processes, serveProcesses } from "../processes.ts";
import { certificateFacts, deviceRecord, floorRecord, tenantRecord } from "../records.ts";
import { ChangeServer } from "./change-server.ts";

const workers = 2;
const cameras = 60;
const made = Math.floor(Date.now() / 1000);
const silenceBegins = { at: 0 };

let fleet: Fleet;
let cmdb: ChangeServer;
let service: Processes;
/** More connections than workers: the primary deals them out in turn. */
let clients: Client[] = [];

/** A camera of `globex`, in the model whose facts must be the freshest. */
function camera(i: number, patch: Json = {}): object {
  const id = `cam-${i}`;
  return deviceRecord(id, made, {
    tenant: "globex",
    class: "camera",
    attestation: {
      status: "affirming",
      vector: { instance_identity: 2, executables: 2, hardware: 2, configuration: 2 },
      verifier: "veraison-prod",
      key_fingerprint: `fp-${id}`,
      appraised_at: made - 60,
      expires_at: made + 3500,
    },
    ...patch,
  });
}
function cameraSubject(i: number): Subject {
  const lasts = { not_before: made - 3600, not_after: made + 40_000 };
  const credential = certificateFacts(`cam-${i}`, made, { tenant: "globex", type: "jwt", ...lasts });
  return { client_id: `cam-${i}`, proof: { type: "asserted", credential } };
}
const film = (i: number, stream = "ops/fps"): PublishQuery => ({
  kind: "publish",
  subject: cameraSubject(i),
  topic: `t/globex/d/cam-${i}/${stream}`,
  qos: 0,
  retain: false,
});
/** What every connection is told, whichever worker it has. */
const allOf = (query: PublishQuery): Promise<Decision[]> =>
  Promise.all(clients.map(async (client) => client.decide(query)));
const reasons = async (query: PublishQuery): Promise<string[]> => [
  ...new Set((await allOf(query)).map(({ reason }) => reason)),
];
const status = async (): Promise<{ name: string; rejected: { reason: string }[] }[]> => {
  const { stdout } = await sallyport(["registry", "status", "--json", "--address", service.grpc]);
  return (JSON.parse(stdout) as { sources: { name: string; rejected: { reason: string }[] }[] }).sources;
};

async function start(): Promise<void> {
  service = await serveProcesses(fleet.config);
  clients = Array.from({ length: workers * 4 }, () => connect({ address: service.grpc, deadlineMs: 8000 }));
}
async function stop(): Promise<void> {
  for (const client of clients) await client[Symbol.asyncDispose]();
  await service[Symbol.asyncDispose]();
}

beforeAll(async () => {
  cmdb = await ChangeServer.listen();
  cmdb.put("tenant", "globex", tenantRecord("globex", { model: "zero_trust" }));
  cmdb.put("firmware_policy", "globex/camera", floorRecord("globex", "camera", made));
  for (let i = 0; i < cameras; i++) cmdb.put("device", `cam-${i}`, camera(i));
  fleet = makeFleet(20, {
    workers,
    log: { level: "info" },
    shutdown: { drain_s: 1 },
    registry: {
      dir: "registry",
      file: { path: "fleet.ndjson", poll_s: 0.2, tenants: ["acme"] },
      http: [
        { name: "cmdb", url: cmdb.url, tenants: ["globex"], poll_s: 0.05, backoff_s: 0.5, silence_s: 2 },
      ],
    },
  });
  await start();
}, 120_000);
afterAll(async () => {
  await stop();
  await cmdb[Symbol.asyncDispose]();
  fleet[Symbol.dispose]();
});

describe("two sources of a service with workers", { timeout: 240_000 }, () => {
  it("are both in force in every worker", async () => {
    await service.until("it is ready", async () => (await fetch(`http://${service.http}/readyz`)).ok);
    const meters = await allOf(publishOf(subjectOf(0)));
    expect(new Set(meters.map(({ decision_id }) => decision_id.slice(0, 8))).size).toBe(workers);
    expect([await reasons(publishOf(subjectOf(0))), await reasons(film(0))]).toEqual([["ok"], ["ok"]]);
    expect(await reasons(film(0, "hv/video"))).toEqual(["ok"]);
  });

  it("that both write a record are named, and its owner's counts", async () => {
    const file = path.join(fleet.folder, "fleet.ndjson");
    const before = readFileSync(file, "utf8");
    const stolen = camera(1, { state: { lifecycle: "retired" } });
    writeFileSync(file, `${before}${JSON.stringify({ kind: "device", record: stolen })}\n`);
    cmdb.put("device", "meter-1", deviceRecord("meter-1", made, { state: { lifecycle: "retired" } }));
    await service.until("both are refused", async () => {
      const refused = (await status()).flatMap(({ rejected }) => rejected.map(({ reason }) => reason));
      return refused.length === 2;
    });
    const refused = new Map((await status()).map(({ name, rejected: [first] }) => [name, first?.reason]));
    expect(refused.get("file")).toMatch(/not of a tenant.*belongs to source `http:cmdb`.*`file` may not/);
    expect(refused.get("http:cmdb")).toMatch(/belongs to source `file`.*`http:cmdb` may not/);
    expect([await reasons(publishOf(subjectOf(1))), await reasons(film(1))]).toEqual([["ok"], ["ok"]]);
    writeFileSync(file, before);
  });

  it("give no wrong answer while workers are killed and changes of both come", async () => {
    let over = false;
    const withdrawn = new Map<number, number>();
    const seen = { ok: 0, denied: 0, other: new Set<string>() };
    const wrong: string[] = [];
    const load = clients.map(async (client, seat) => {
      for (let turn = seat; !over; turn++) {
        const i = turn % cameras;
        // What was in force before the question left must be in the answer.
        const known = (withdrawn.get(i) ?? Number.POSITIVE_INFINITY) <= cmdb.applied;
        const { allow, reason } = await client.decide(film(i, `ops/x${turn % 5}`));
        if (allow) seen.ok++;
        else if (reason === "device_quarantined" || reason === "credential_revoked") seen.denied++;
        else seen.other.add(reason);
        if (allow && known) wrong.push(`cam-${i} was allowed after revision ${withdrawn.get(i)}`);
        await sleep(2);
      }
    });
    let next = 10;
    const withdraw = (): void => {
      const i = next++;
      const patch: Json =
        i % 2 === 0
          ? { state: { quarantine: { active: true, since: made, by: "soc" } } }
          : { credentials: { [`fp-cam-${i}`]: { status: "revoked" } } };
      withdrawn.set(i, cmdb.put("device", `cam-${i}`, camera(i, patch)));
      // A heartbeat of everybody beside it: the changes are many.
      for (let each = 0; each < 10; each++)
        cmdb.put("device", `cam-${each}`, camera(each, { state: { last_seen_at: made + next } }));
    };
    for (let turn = 0; turn < 4; turn++) {
      const pids = [...service.workers().values()];
      for (let each = 0; each < 4; each++) {
        withdraw();
        await sleep(40);
      }
      process.kill(pids[turn % pids.length] as number, "SIGKILL");
      for (let each = 0; each < 4; each++) {
        withdraw();
        await sleep(40);
      }
      fleet.write({ [`meter-${turn + 2}`]: { state: { lifecycle: "retired" } } });
      await service.until("it is replaced", () => {
        const now = [...service.workers().values()];
        return now.length === workers && !now.includes(pids[turn % pids.length] as number);
      });
      await service.until("all changes are in force", () => cmdb.applied === cmdb.revision);
      await service.until(
        "the file's change is, too",
        async () => (await reasons(publishOf(subjectOf(turn + 2)))).join() === "device_retired",
      );
    }
    over = true;
    await Promise.all(load);
    expect(wrong).toEqual([]);
    expect(seen.ok).toBeGreaterThan(200);
    expect(seen.denied).toBeGreaterThan(20);
    // A connection whose worker was killed is told nothing about the device, and nothing is allowed by that.
    expect([...seen.other].filter((reason) => reason !== "internal_error")).toEqual([]);
    for (const i of withdrawn.keys()) expect((await allOf(film(i))).some(({ allow }) => allow)).toBe(false);
  });

  it("are aged each for itself, over a restart: only what rests on the silent one degrades, in every worker", async () => {
    cmdb.silent = true;
    silenceBegins.at = Date.now();
    await service.until("its fault is told", async () => {
      const { stdout } = await sallyport(["registry", "status", "--address", service.grpc]);
      return stdout.includes("silent for");
    });
    await stop();
    await start();
    // Everything is in force from the disk, the silent source's records as well; its age is what it was, and more.
    for (const { registry_age_s } of await allOf(film(0)))
      expect(registry_age_s).toBeGreaterThanOrEqual(Math.floor((Date.now() - silenceBegins.at) / 1000) - 12);
    await service.until(
      "the silent source's records are old",
      async () => (await reasons(film(0))).join() === "ok_stale_facts",
      90_000,
    );
    expect(await reasons(film(0, "hv/video"))).toEqual(["facts_stale"]);
    expect(await reasons(film(11))).toEqual(["credential_revoked"]);
    // What nobody knows of its tenant may have come since.
    expect(await reasons({ ...film(0), subject: { ...cameraSubject(0), client_id: "cam-new" } })).not.toEqual(
      ["ok"],
    );
    const meters = await allOf(publishOf(subjectOf(0), "hv/load"));
    expect(new Set(meters.map(({ reason }) => reason))).toEqual(new Set(["ok"]));
    expect(Math.max(...meters.map(({ registry_age_s }) => registry_age_s))).toBeLessThan(30);
    cmdb.silent = false;
    await service.until("all is as before", async () => (await reasons(film(0, "hv/video"))).join() === "ok");
    expect(await reasons(film(11))).toEqual(["credential_revoked"]);
  });
});
