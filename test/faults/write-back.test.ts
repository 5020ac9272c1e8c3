/**
 * A duty on its way back to the source of the record, through a whole service: a decision makes it while the source is
 * away, the service starts anew meanwhile, and the source hears of it when it is back.
 */
import { existsSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { afterEach, expect, it } from "vitest";
import type { App } from "../../src/app.ts";
import type { RecordKey } from "../../src/decision/facts.ts";
import { NatsNode } from "../../src/nats/nats-node.ts";
import { mergePatch } from "../cases/table.ts";
import { sallyport } from "../cli/run.ts";
import { type Fleet, makeFleet, publishOf, serveFleet, subjectOf } from "../client/attached.ts";
import { describeWithNats, NatsServer } from "../nats.ts";
import { until } from "./until.ts";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const dormant = { state: { last_seen_at: Math.floor(Date.now() / 1000) - 200 * 86_400 } };

/** A service whose records are not in a file, with what that file would say. */
function fleetOf(registry: object, more: object = {}): { fleet: Fleet; lines: () => string[] } {
  const fleet = makeFleet(1, { registry: { dir: "registry", ...registry }, ...more });
  closing.push(() => fleet[Symbol.dispose]());
  fleet.write({ "meter-0": dormant });
  const lines = (): string[] =>
    readFileSync(path.join(fleet.folder, "fleet.ndjson"), "utf8").trimEnd().split("\n");
  return { fleet, lines };
}

/** Runs a service until `work` is done. */
async function during<T>(fleet: Fleet, work: (app: App) => Promise<T>): Promise<T> {
  const app = await serveFleet(fleet);
  try {
    return await work(app);
  } finally {
    await app.close();
  }
}

/** Connects the device that was silent for long; returns when. */
async function connect(app: App): Promise<number> {
  await until(() => app.registry.device("meter-0") !== undefined);
  const at = Math.floor(Date.now() / 1000);
  const decision = await app.decider("broker").decide({ kind: "connect", subject: subjectOf(0) });
  expect(decision.obligations.mark_reentry).toBe(true);
  return at;
}

/** A moment of then, give or take how long the answer took. */
function isOf(since: number | undefined, at: number): boolean {
  return since !== undefined && since >= at && since <= at + 10;
}

it("reaches a server that was away, after a restart, as a patch of its record", {
  timeout: 90_000,
}, async () => {
  let away = false;
  let lines = (): string[] => [];
  const patches: object[] = [];
  let record: { state?: { reentry_required_since?: number } } = {};
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    if (request.url === "/fleet")
      return void response.end(`${lines().join("\n")}\n{"kind":"end","count":${lines().length}}\n`);
    if (away) return void response.writeHead(503).end();
    const etag = `"${patches.length}"`;
    if (request.method === "GET") return void response.setHeader("etag", etag).end(JSON.stringify(record));
    let body = "";
    request.on("data", (part: Buffer) => (body += part.toString()));
    request.on("end", () => {
      expect(request.headers["if-match"]).toBe(etag);
      patches.push(JSON.parse(body) as object);
      record = mergePatch(record, JSON.parse(body)) as typeof record;
      response.writeHead(204).end();
    });
  };
  const server = createServer(answer).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const made = fleetOf({
    http: [
      { name: "cmdb", url: `${url}/fleet`, write_back_url: `${url}/devices/{id}`, poll_s: 1, backoff_s: 1 },
    ],
  });
  lines = made.lines;
  record = (JSON.parse(lines().at(-1) ?? "") as { record: typeof record }).record;
  away = true;
  const since = await during(made.fleet, connect);
  expect(patches).toEqual([]);
  await during(made.fleet, async () => {
    away = false;
    await until(() => patches.length > 0);
  });
  expect(isOf(record.state?.reentry_required_since, since)).toBe(true);
  // Told once: the record says so itself now.
  await during(made.fleet, (app) => until(() => app.registry.device("meter-0") !== undefined));
  expect(patches).toHaveLength(1);
});

it("reaches who pushes when it comes back, after a restart", { timeout: 90_000 }, async () => {
  const { fleet } = fleetOf(
    {},
    {
      peers: [
        {
          name: "broker",
          match: { loopback: true },
          env: "prod",
          region: "eu-west",
          endpoint: "ep-telemetry",
          tenants: ["*"],
          kinds: ["*", "admin", "feed"],
          may_assert: ["credential"],
        },
      ],
    },
  );
  const file = path.join(fleet.folder, "fleet.ndjson");
  const outbox = path.join(fleet.folder, "duties.ndjson");
  const push = async (app: App): Promise<void> => {
    const { code, stderr } = await sallyport([
      "registry",
      "push",
      file,
      "--duties",
      outbox,
      "--address",
      app.grpcAddress,
    ]);
    expect([stderr, code]).toEqual(["", 0]);
  };
  const since = await during(fleet, async (app) => {
    await push(app);
    return connect(app);
  });
  expect(existsSync(outbox) ? readFileSync(outbox, "utf8") : "").toBe("");
  await during(fleet, async (app) => {
    await push(app);
    await until(() => existsSync(outbox) && readFileSync(outbox, "utf8").endsWith("\n"));
  });
  const duty = JSON.parse(readFileSync(outbox, "utf8")) as { key: string; reentry_required_since: number };
  expect(duty.key).toBe("device:meter-0");
  expect(isOf(duty.reentry_required_since, since)).toBe(true);
});

describeWithNats("over NATS", () => {
  it("is in the bucket once that is back, after a restart without it", { timeout: 120_000 }, async () => {
    const server = await NatsServer.start();
    closing.push(() => server[Symbol.asyncDispose]());
    const node = await NatsNode.connect({ servers: [server.url], retryMs: 50, timeoutMs: 2000 });
    closing.push(() => node[Symbol.asyncDispose]());
    const bucket = await node.keyValue("facts");
    const { fleet, lines } = fleetOf(
      { nats: { bucket: "facts", write_back: true } },
      { nats: { servers: [server.url] } },
    );
    for (const line of lines()) {
      const { kind, record } = JSON.parse(line) as { kind: string; record: Record<string, string> };
      const id = kind === "firmware_policy" ? `${record["tenant"]}/${record["class"]}` : record["id"];
      await bucket.put(`${kind}:${id}` as RecordKey, new TextEncoder().encode(JSON.stringify(record)));
    }
    const read = async (): Promise<number> => {
      const entry = await bucket.get("device:meter-0");
      const record = JSON.parse(new TextDecoder().decode(entry?.value)) as {
        state: { reentry_required_since: number };
      };
      return record.state.reentry_required_since;
    };
    const since = await during(fleet, async (app) => {
      await until(() => app.registry.freshness().synced);
      await server.stop();
      return connect(app);
    });
    await during(fleet, async (app) => {
      // From its disk, the duty included: who was let in to give evidence has to.
      const { reason } = await app.decider("broker").decide(publishOf(subjectOf(0)));
      expect(reason).toBe("reentry_evidence_required");
      await server.restart();
      await until(async () => isOf(await read().catch(() => 0), since));
    });
  });
});
