import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Client, connect } from "../../src/client/client.ts";
import { BundleServiceClient, type GetBundleStatusResponse } from "../../src/gen/sallyport/v1/bundle.ts";
import { releaseOf } from "../bundle/releases.ts";
import { type Fleet, makeFleet, publishOf, subjectOf } from "../client/attached.ts";
import { loopingModule } from "../pdp/looping-module.ts";
import { type Processes, serveProcesses } from "../processes.ts";
import { shippedBundle } from "../shipped.ts";

const workers = 2;
let fleet: Fleet;
let service: Processes;
let clients: Client[];
let bundles: BundleServiceClient;

const offer = (archive: Uint8Array): void => {
  writeFileSync(join(fleet.folder, "b.new"), archive);
  renameSync(join(fleet.folder, "b.new"), join(fleet.folder, "b.tar.gz"));
};
/** Odd releases allow the meter, even ones know no environment for it. */
const release = (sequence: number): Promise<Buffer> =>
  releaseOf(sequence, {
    files: { "cases.json": "[]" },
    data: ({ site }) => {
      if (sequence % 2 === 1) return;
      for (const profile of Object.values(site["profiles"] as Record<string, { environments?: string[] }>))
        profile.environments = [];
    },
  });
const reasonIn = (revision: string): string =>
  Number(revision.slice(1)) % 2 === 1 ? "ok" : "model_not_allowed_in_environment";
const status = (): Promise<GetBundleStatusResponse> =>
  new Promise((resolve, reject) =>
    bundles.getBundleStatus({}, (error, answer) => (error ? reject(error) : resolve(answer))),
  );
const inForce = (revision: string): Promise<void> =>
  service.until(`${revision} is in force`, async () => {
    const { active } = await status().catch(() => ({ active: undefined }));
    return active?.revision === revision;
  });

beforeAll(async () => {
  fleet = makeFleet(3, {
    workers,
    log: { level: "info" },
    bundle: { file: "b.tar.gz", unsigned: "allow", checks: { min_cases: 0 }, poll_s: 0.1, dir: "kept" },
  });
  offer(await release(1));
  service = await serveProcesses(fleet.config);
  clients = Array.from({ length: workers * 3 }, () => connect({ address: service.grpc, deadlineMs: 20_000 }));
  bundles = new BundleServiceClient(service.grpc, credentials.createInsecure());
}, 120_000);
afterAll(async () => {
  bundles.close();
  for (const client of clients) await client[Symbol.asyncDispose]();
  await service[Symbol.asyncDispose]();
  fleet[Symbol.dispose]();
});

describe("a bundle that is swapped in every worker", { timeout: 300_000 }, () => {
  it("is in force in all of them when it is reported active; no request fails, none mixes two revisions", async () => {
    const releases = await Promise.all([2, 3, 4, 5].map((sequence) => release(sequence)));
    let stop = false;
    const seen = new Map<string, number>();
    const wrong: string[] = [];
    const load = clients.map(async (client, seat) => {
      for (let turn = 0; !stop; turn++) {
        const stream = `ops/x${turn % 40}`;
        const { bundle_revision, reason } = await client.decide(publishOf(subjectOf(seat % 3), stream));
        if (reason !== reasonIn(bundle_revision)) wrong.push(`${bundle_revision || "none"}: ${reason}`);
        seen.set(bundle_revision, (seen.get(bundle_revision) ?? 0) + 1);
        await new Promise((resolve) => setTimeout(resolve, 4));
      }
    });
    for (const [index, archive] of releases.entries()) {
      offer(archive);
      const revision = `r${index + 2}`;
      await inForce(revision);
      const answers = await Promise.all(clients.map((client) => client.decide(publishOf(subjectOf(0)))));
      expect(new Set(answers.map(({ bundle_revision }) => bundle_revision))).toEqual(new Set([revision]));
      await service.until(`enough is answered by ${revision}`, async () => (seen.get(revision) ?? 0) > 10);
    }
    stop = true;
    await Promise.all(load);
    expect(wrong).toEqual([]);
    expect([...seen.keys()].sort()).toEqual(["r1", "r2", "r3", "r4", "r5"]);
    expect(Math.min(...seen.values())).toBeGreaterThan(10);
  });

  it("has a worker that is killed meanwhile come back with the bundle in force", async () => {
    const archive = await release(6);
    const [[number, pid]] = [...service.workers()] as [[number, number]];
    offer(archive);
    process.kill(pid, "SIGKILL");
    await inForce("r6");
    await service.until("it is replaced", () => (service.workers().get(number) ?? pid) !== pid);
    for (const client of clients)
      expect((await client.decide(publishOf(subjectOf(0)))).bundle_revision).toBe("r6");
  });

  it("changes nothing anywhere where it cannot be used", async () => {
    offer(await releaseOf(7, { wasm: loopingModule(shippedBundle.wasm, "trap") }));
    await service.until("it is refused", async () => (await status()).candidate?.state === "refused");
    for (const client of clients)
      expect((await client.decide(publishOf(subjectOf(0)))).bundle_revision).toBe("r6");
    expect(service.workers().size).toBe(workers);
  });
});

describe("a bundle that is compared in every worker", { timeout: 300_000 }, () => {
  it("is stopped by what all of them find, and passes when they find nothing", async () => {
    const shadow = { mode: "auto", sample: 1, for_s: 0.5, min_queries: 60, max_newly_denied: 0.1 };
    const own = makeFleet(3, {
      workers,
      log: { level: "info" },
      bundle: { file: "b.tar.gz", unsigned: "allow", checks: { min_cases: 0 }, poll_s: 0.1, shadow },
    });
    const put = (archive: Uint8Array): void => {
      writeFileSync(join(own.folder, "b.new"), archive);
      renameSync(join(own.folder, "b.new"), join(own.folder, "b.tar.gz"));
    };
    put(await release(1));
    const shadowed = await serveProcesses(own.config);
    const askers = Array.from({ length: workers * 2 }, () =>
      connect({ address: shadowed.grpc, deadlineMs: 20_000 }),
    );
    const calls = new BundleServiceClient(shadowed.grpc, credentials.createInsecure());
    const told = (): Promise<GetBundleStatusResponse> =>
      new Promise((resolve, reject) =>
        calls.getBundleStatus({}, (error, answer) => (error ? reject(error) : resolve(answer))),
      );
    let stop = false;
    const load = askers.map(async (client, seat) => {
      for (let turn = 0; !stop; turn++) {
        await client.decide(publishOf(subjectOf(seat % 3), `ops/x${turn % 20}`));
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    });
    try {
      put(await release(2));
      await shadowed.until("it is refused", async () => (await told()).candidate?.state === "refused");
      const { active, candidate, fault } = await told();
      expect(active?.revision).toBe("r1");
      expect(fault).toMatch(/denies \d+ of \d+ live questions/);
      expect(candidate?.shadow?.newly_denied).toBeGreaterThan(6);
      expect(candidate?.shadow?.differences[0]).toMatchObject({ kind: "publish", reason_now: "ok" });
      put(await release(3));
      await shadowed.until("it passes", async () => (await told()).active?.revision === "r3");
      expect((await told()).candidate?.shadow?.compared).toBeGreaterThanOrEqual(60);
      const answers = await Promise.all(askers.map((client) => client.decide(publishOf(subjectOf(0)))));
      expect(new Set(answers.map(({ bundle_revision }) => bundle_revision))).toEqual(new Set(["r3"]));
    } finally {
      stop = true;
      await Promise.all(load);
      for (const client of askers) await client[Symbol.asyncDispose]();
      calls.close();
      await shadowed[Symbol.asyncDispose]();
      own[Symbol.dispose]();
    }
  });
});
