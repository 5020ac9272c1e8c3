import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Client, connect } from "../../src/client/client.ts";
import { releaseOf } from "../bundle/releases.ts";
import { type Fleet, makeFleet, publishOf, subjectOf } from "../client/attached.ts";
import { type Processes, serveProcesses } from "../processes.ts";
import { craftedRelease, loopingStream } from "./crafted-policy.ts";

const workers = 2;
let fleet: Fleet;
let service: Processes;
let clients: Client[];

beforeAll(async () => {
  fleet = makeFleet(3, {
    workers,
    log: { level: "info" },
    processes: { evaluation_s: 0.5, silent_s: 10 },
    bundle: { file: "b.tar.gz", unsigned: "allow", poll_s: 0.1 },
  });
  const crafted = await craftedRelease(7);
  writeFileSync(join(fleet.folder, "b.tar.gz"), crafted);
  writeFileSync(join(fleet.folder, "crafted.tar.gz"), crafted);
  service = await serveProcesses(fleet.config);
  clients = Array.from({ length: workers * 3 }, () => connect({ address: service.grpc, deadlineMs: 20_000 }));
}, 180_000);
afterAll(async () => {
  for (const client of clients) await client[Symbol.asyncDispose]();
  await service[Symbol.asyncDispose]();
  fleet[Symbol.dispose]();
});

const blocked = (): readonly Record<string, unknown>[] =>
  service.lines.filter(({ msg }) => msg.startsWith("a question blocked the policy"));
const settled = (): Promise<void> =>
  service.until("all workers answer", () => service.workers().size === workers);
const reasonOf = async (client: Client, device: number, stream: string): Promise<string> =>
  (await client.decide(publishOf(subjectOf(device), stream))).reason;

describe("a question that the policy does not come back from", { timeout: 300_000 }, () => {
  it("costs its worker once, and is reported with the device and the input", async () => {
    expect(await reasonOf(clients[0] as Client, 0, "ops/temp")).toBe("ok");
    // No answer was given: the connection is gone with the worker.
    const ask = clients[0]?.decide(publishOf(subjectOf(0), loopingStream));
    await service.until("it is reported", () => blocked().length === 1);
    expect((await ask)?.allow).toBe(false);
    expect(blocked()[0]).toMatchObject({
      entrypoint: "sallyport/publish",
      device: "meter-0",
      times: 1,
      denied: false,
    });
    expect(String(blocked()[0]?.["input"])).toMatch(loopingStream);
    await settled();
    expect((await service.metrics()).get('sallyport_worker_ends_total{cause="blocked"}')).toBe(1);
    expect((await service.metrics()).get("sallyport_policy_barred")).toBe(0);
    for (const client of clients) expect(await reasonOf(client, 0, "ops/temp")).toBe("ok");
  });

  it("is denied in every worker when it comes again, for that device and kind alone", async () => {
    void clients[1]?.decide(publishOf(subjectOf(0), loopingStream));
    await service.until("it is reported again", () => blocked().length === 2);
    expect(blocked()[1]).toMatchObject({ device: "meter-0", times: 2, denied: true });
    await settled();
    for (const client of clients) {
      expect(await reasonOf(client, 0, loopingStream)).toBe("internal_error");
      expect(await reasonOf(client, 0, "ops/temp")).toBe("internal_error");
      expect(await reasonOf(client, 1, "ops/temp")).toBe("ok");
      expect((await client.decide({ kind: "connect", subject: subjectOf(0) })).allow).toBe(true);
    }
    const denied = await clients[0]?.decide(publishOf(subjectOf(0)));
    expect(denied).toMatchObject({ bundle_revision: "r7", obligations: { alert: "policy_blocked" } });
    expect((await service.metrics()).get("sallyport_policy_barred")).toBe(1);
    expect(blocked().length).toBe(2);
  });

  it("is judged anew by the next bundle, and the one before it never comes back by itself", async () => {
    writeFileSync(join(fleet.folder, "b.tar.gz"), await releaseOf(8));
    await service.until("the new bundle answers", async () => {
      const reasons = await Promise.all(clients.map((client) => client.decide(publishOf(subjectOf(0)))));
      return reasons.every(({ bundle_revision }) => bundle_revision === "r8");
    });
    for (const client of clients) expect(await reasonOf(client, 0, loopingStream)).not.toBe("internal_error");
    expect((await service.metrics()).get("sallyport_policy_barred")).toBe(0);
    expect(
      service.lines
        .filter(({ msg }) => msg === "a policy bundle is in force")
        .map(({ sequence }) => sequence),
    ).toEqual([7, 8]);
  });
});

describe("the same in one process", { timeout: 300_000 }, () => {
  it("ends the service for its supervisor; the second time its like are denied", async () => {
    const own = makeFleet(2, {
      workers: 0,
      log: { level: "info" },
      processes: { evaluation_s: 0.5 },
      bundle: { file: join(fleet.folder, "crafted.tar.gz"), unsigned: "allow" },
    });
    try {
      for (let times = 1; times <= 2; times++) {
        const alone = await serveProcesses(own.config);
        const client = connect({ address: alone.grpc, deadlineMs: 10_000 });
        expect(await reasonOf(client, 0, "ops/temp")).toBe("ok");
        void client.decide(publishOf(subjectOf(0), loopingStream));
        await alone.until("it ends", () => alone.child.signalCode !== null);
        expect(alone.child.signalCode).toBe("SIGKILL");
        await client[Symbol.asyncDispose]();
      }
      const third = await serveProcesses(own.config);
      await using _stopped = third;
      const client = connect({ address: third.grpc, deadlineMs: 10_000 });
      await using _closed = client;
      expect(third.lines.find(({ msg }) => msg.startsWith("a question blocked"))).toMatchObject({
        device: "meter-0",
        times: 2,
        denied: true,
      });
      expect(await reasonOf(client, 0, loopingStream)).toBe("internal_error");
      expect(await reasonOf(client, 1, "ops/temp")).toBe("ok");
    } finally {
      own[Symbol.dispose]();
    }
  });
});
