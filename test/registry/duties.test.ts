/** Duties on their way back to servers and files: taken once, never over somebody else's change, made up for later. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { DeviceRecord } from "../../src/decision/facts.ts";
import { DutyLedger } from "../../src/registry/duty-ledger.ts";
import { DutyQueue } from "../../src/registry/duty-queue.ts";
import { fileDuties } from "../../src/registry/file-duties.ts";
import { httpDuties } from "../../src/registry/http-duties.ts";
import { mergePatch } from "../cases/table.ts";
import { claimOf, device, now } from "./records.ts";

async function until(condition: () => boolean): Promise<void> {
  for (let waited = 0; waited < 20_000 && !condition(); waited += 10) await sleep(10);
  expect(condition()).toBe(true);
}

const { claim, credential } = claimOf("a");

let dir: string;
let ledger: DutyLedger;
const closing: (() => unknown)[] = [];
beforeEach(async () => {
  dir = mkdtempSync(path.join(tmpdir(), "sallyport-duties-"));
  ledger = await DutyLedger.open(path.join(dir, "duties"));
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await ledger[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});

describe("duties told to a server", () => {
  const records = new Map<string, { version: number; record: object }>();
  const patches: string[] = [];
  let meddle: (() => void) | undefined;
  let status = 0;
  let server: Server;
  let url: string;

  /** A small registry: one resource per record, optimistic concurrency by ETag. */
  function answer(request: IncomingMessage, response: ServerResponse): void {
    const id = decodeURIComponent((request.url ?? "").slice(1));
    const known = records.get(id);
    let body = "";
    request.on("data", (part: Buffer) => (body += part.toString()));
    request.on("end", () => {
      if (status !== 0) return void response.writeHead(status).end();
      if (known === undefined) return void response.writeHead(404).end();
      const etag = `"${known.version}"`;
      if (request.method === "GET") {
        response.writeHead(200, { etag }).end(JSON.stringify(known.record));
        meddle?.();
        meddle = undefined;
        return;
      }
      if (request.headers["if-match"] !== etag) return void response.writeHead(412).end();
      patches.push(body);
      records.set(id, {
        version: known.version + 1,
        record: mergePatch(known.record, JSON.parse(body)) as object,
      });
      response.writeHead(204).end();
    });
  }
  const recordOf = (id: string) => records.get(id)?.record as DeviceRecord & { later?: number };
  function queue(): DutyQueue {
    const deliver = httpDuties({
      url: `${url}/{id}`,
      marks: ledger,
      silenceMs: 2000,
      credentials: async () => ({}),
    });
    const made = new DutyQueue({ ledger, deliver, retryMs: 20 });
    closing.push(() => made[Symbol.asyncDispose]());
    return made;
  }

  beforeEach(async () => {
    records.clear();
    patches.length = 0;
    status = 0;
    meddle = undefined;
    records.set("a", { version: 1, record: { ...device("a"), later: 7, credentials: { c: credential } } });
    server = createServer(answer);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    closing.push(() => void server.close());
  });

  it("say what is recorded, keep the rest, and say nothing twice", async () => {
    const duties = queue();
    await ledger.markReentry("a", now);
    await ledger.spendClaim("c", "a");
    await ledger.markReentry("nobody", now);
    await until(() => duties.due === 0 && recordOf("a").credentials["c"]?.claim?.used === true);
    await until(() => recordOf("a").state.reentry_required_since === now);
    expect(recordOf("a")).toMatchObject({
      later: 7,
      class: "meter",
      credentials: { c: { status: "active" } },
    });
    const said = patches.length;
    await ledger.markReentry("a", now - 5);
    await until(() => duties.due === 0);
    await duties[Symbol.asyncDispose]();
    // A restart looks again, and finds that the record says so.
    const again = queue();
    await until(() => again.due === 0);
    expect(patches).toHaveLength(said);
  });

  it("never overwrite a change that comes in between", async () => {
    meddle = () => records.set("a", { version: 9, record: { ...recordOf("a"), hw_rev: "r9" } });
    queue();
    await ledger.markReentry("a", now);
    await until(() => recordOf("a").state.reentry_required_since === now);
    expect(recordOf("a").hw_rev).toBe("r9");
  });

  it("are told when the server is there again, also after a restart", async () => {
    status = 503;
    const first = queue();
    await ledger.markReentry("a", now);
    await until(() => first.fault !== undefined);
    expect([first.due, first.fault?.code]).toEqual([1, "unreachable"]);
    await first[Symbol.asyncDispose]();
    await ledger[Symbol.asyncDispose]();
    ledger = await DutyLedger.open(path.join(dir, "duties"));
    status = 0;
    const second = queue();
    await until(() => second.due === 0);
    expect(recordOf("a").state.reentry_required_since).toBe(now);
  });

  it("of one record that the server refuses stand in no other's way", async () => {
    records.set("b", { version: 1, record: device("b") });
    records.set("odd", { version: 1, record: [] });
    const duties = queue();
    await ledger.markReentries(
      new Map([
        ["odd", now],
        ["b", now],
      ]),
    );
    await until(() => recordOf("b").state.reentry_required_since === now);
    await until(() => duties.fault?.code === "source_unavailable");
    expect(duties.due).toBe(1);
  });
});

describe("duties written beside a file", () => {
  it("are lines of an outbox, each written once, and again when it was taken away and is still open", async () => {
    const outbox = path.join(dir, "fleet.ndjson.duties.ndjson");
    let record: DeviceRecord = { ...device("a"), credentials: { c: credential } };
    const deliver = fileDuties({
      path: outbox,
      marks: ledger,
      record: (id) => (id !== "a" ? undefined : { key: "device:a", revision: 1, record }),
    });
    const start = (): DutyQueue => {
      const queue = new DutyQueue({ ledger, deliver, retryMs: 20 });
      closing.push(() => queue[Symbol.asyncDispose]());
      return queue;
    };
    const lines = (): unknown[] =>
      readFileSync(outbox, "utf8")
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as unknown);
    writeFileSync(outbox, "");
    await ledger.markReentry("a", now);
    await ledger.spendClaim("c", "a");
    const first = start();
    await until(() => first.due === 0 && readFileSync(outbox, "utf8") !== "");
    const duty = { kind: "duty", key: "device:a", reentry_required_since: now, spent_claims: ["c"] };
    expect(lines()).toEqual([duty]);
    await first[Symbol.asyncDispose]();
    const second = start();
    await until(() => second.due === 0);
    expect(lines()).toEqual([duty]);
    await second[Symbol.asyncDispose]();
    writeFileSync(outbox, "");
    const third = start();
    await until(() => third.due === 0 && readFileSync(outbox, "utf8") !== "");
    expect(lines()).toEqual([duty]);
    await third[Symbol.asyncDispose]();
    // The file says so itself now.
    writeFileSync(outbox, "");
    const used = { ...credential, claim: { ...claim, used: true } };
    const said = { ...device("a").state, reentry_required_since: now };
    record = { ...device("a"), state: said, credentials: { c: used } };
    const fourth = start();
    await until(() => fourth.due === 0);
    expect(readFileSync(outbox, "utf8")).toBe("");
  });
});
