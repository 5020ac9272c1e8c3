/** Where records live outside the service: servers, pushers and buckets that hear of duties, go away and come back. */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import type { DeviceRecord, RecordKey } from "../../src/decision/facts.ts";
import { NatsNode } from "../../src/nats/nats-node.ts";
import { type Json, mergePatch } from "../cases/table.ts";
import { sallyport } from "../cli/run.ts";
import { NatsServer } from "../nats.ts";

/** Records of a fleet file: lines of NDJSON. */
interface Entry {
  readonly kind: string;
  readonly record: Json;
}

/** Home of the records of one source. */
export interface RecordHome extends AsyncDisposable {
  /** What the service's configuration says of it, beside the usual: the section `registry`, and others. */
  readonly registry: Json;
  readonly more: Json;
  /** The records are these from now on. */
  say(lines: readonly string[]): Promise<void>;
  /** What the home itself says of a device. */
  device(id: string): Promise<DeviceRecord>;
  /** How often it was told to change a record. */
  readonly told: number;
  leave(): Promise<void>;
  comeBack(): Promise<void>;
  /** Where it does not come by itself: sends its records to the service there, and takes what is due. */
  visit(grpcAddress: string): Promise<void>;
}

const entriesIn = (lines: readonly string[]): Entry[] => lines.map((line) => JSON.parse(line) as Entry);

/** A server of records: all of them as a feed, each as a resource with an `ETag`. */
export async function serverHome(): Promise<RecordHome> {
  let entries: Entry[] = [];
  let version = 0;
  let told = 0;
  let away = false;
  const found = (url = ""): Entry | undefined => {
    const id = decodeURIComponent(url.slice("/devices/".length));
    return entries.find(({ kind, record }) => kind === "device" && record["id"] === id);
  };
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const etag = `"${version}"`;
    if (away) return void response.writeHead(503).end();
    if (request.url === "/fleet") {
      if (request.headers["if-none-match"] === etag) return void response.writeHead(304).end();
      return void response
        .setHeader("etag", etag)
        .end(entries.map((each) => `${JSON.stringify(each)}\n`).join(""));
    }
    const entry = found(request.url);
    if (entry === undefined) return void response.writeHead(404).end();
    if (request.method === "GET")
      return void response.setHeader("etag", etag).end(JSON.stringify(entry.record));
    let body = "";
    request.on("data", (part: Buffer) => (body += part.toString()));
    request.on("end", () => {
      if (request.headers["if-match"] !== etag) return void response.writeHead(412).end();
      const record = mergePatch(entry.record, JSON.parse(body)) as Json;
      entries = entries.map((each) => (each === entry ? { kind: "device", record } : each));
      version++;
      told++;
      response.writeHead(204).end();
    });
  };
  const server = createServer(answer).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const source = { name: "cmdb", url: `${url}/fleet`, write_back_url: `${url}/devices/{id}` };
  return {
    registry: { http: [{ ...source, poll_s: 1, backoff_s: 1 }] },
    more: {},
    say: async (lines) => {
      entries = entriesIn(lines);
      version++;
    },
    device: async (id) => found(`/devices/${id}`)?.record as unknown as DeviceRecord,
    get told() {
      return told;
    },
    leave: async () => void (away = true),
    comeBack: async () => void (away = false),
    visit: async () => undefined,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Somebody who makes a file, pushes it, and makes it anew with what was due. */
export async function pusherHome(folder: string): Promise<RecordHome> {
  const file = path.join(folder, "pushed.ndjson");
  const outbox = path.join(folder, "pushed.duties.ndjson");
  let entries: Entry[] = [];
  let told = 0;
  const write = (): void => writeFileSync(file, entries.map((each) => `${JSON.stringify(each)}\n`).join(""));
  const place = { env: "prod", region: "eu-west", endpoint: "ep-telemetry", tenants: ["*"] };
  const rights = { kinds: ["*", "admin", "feed"], may_assert: ["credential"] };
  const push = async (address: string): Promise<void> => {
    const args = ["registry", "push", file, "--duties", outbox, "--address", address];
    const { code, stderr } = await sallyport(args);
    if (code !== 0) throw new Error(stderr);
  };
  return {
    registry: {},
    more: { peers: [{ name: "broker", match: { loopback: true }, ...place, ...rights }] },
    say: async (lines) => {
      entries = entriesIn(lines);
      write();
    },
    device: async (id) =>
      entries.find(({ record }) => record["id"] === id)?.record as unknown as DeviceRecord,
    get told() {
      return told;
    },
    leave: async () => undefined,
    comeBack: async () => undefined,
    visit: async (address) => {
      await push(address);
      if (!existsSync(outbox)) return;
      for (const line of readFileSync(outbox, "utf8").trimEnd().split("\n")) {
        const { key, reentry_required_since, spent_claims } = JSON.parse(line) as {
          key: string;
          reentry_required_since: number;
          spent_claims: string[];
        };
        told++;
        const patch = {
          ...(reentry_required_since === 0 ? {} : { state: { reentry_required_since } }),
          credentials: Object.fromEntries(spent_claims.map((name) => [name, { claim: { used: true } }])),
        };
        entries = entries.map((each) =>
          `${each.kind}:${String(each.record["id"])}` === key
            ? { kind: each.kind, record: mergePatch(each.record, patch) as Json }
            : each,
        );
      }
      rmSync(outbox);
      write();
      await push(address);
    },
    async [Symbol.asyncDispose]() {},
  };
}

/** A bucket of NATS. */
export async function bucketHome(): Promise<RecordHome> {
  const server = await NatsServer.start();
  const node = await NatsNode.connect({ servers: [server.url], retryMs: 50, timeoutMs: 2000 });
  const bucket = await node.keyValue("facts");
  const bytes = new TextEncoder();
  let said = 0;
  let revision = 0;
  return {
    registry: { nats: { bucket: "facts", write_back: true } },
    more: { nats: { servers: [server.url] } },
    say: async (lines) => {
      for (const { kind, record } of entriesIn(lines)) {
        const id = kind === "firmware_policy" ? `${record["tenant"]}/${record["class"]}` : record["id"];
        await bucket.put(`${kind}:${String(id)}` as RecordKey, bytes.encode(JSON.stringify(record)));
        said++;
      }
      revision = (await bucket.state()).revision;
    },
    device: async (id) => {
      const entry = await bucket.get(`device:${id}`);
      revision = Math.max(revision, entry?.revision ?? 0);
      return JSON.parse(new TextDecoder().decode(entry?.value)) as DeviceRecord;
    },
    get told() {
      return revision - said;
    },
    leave: () => server.stop(),
    comeBack: () => server.restart(),
    visit: async () => undefined,
    async [Symbol.asyncDispose]() {
      await node[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}
