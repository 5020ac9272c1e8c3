/** From a changed record to an enforcement point that has acted on it: a credential revoked by its source. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { credentials } from "@grpc/grpc-js";
import { startApp } from "../src/app.ts";
import { attach } from "../src/client/client.ts";
import { loadConfig } from "../src/config/load-config.ts";
import {
  RegistryServiceClient,
  type SyncRequest,
  type SyncResponse,
} from "../src/gen/sallyport/v1/registry.ts";
import { certificateFacts, deviceRecord, floorRecord, tenantRecord } from "../test/records.ts";
import { quantile } from "./measure.ts";

/** Times of single revocations, milliseconds; service, source and client share one process. */
export interface RevocationReport {
  readonly revocations: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly worst_ms: number;
}

const root = path.resolve(import.meta.dirname, "..");

/** Revokes the credentials of so many devices with a live session, one after another. */
export async function measureRevocation(revocations = 300): Promise<RevocationReport> {
  const dir = mkdtempSync(path.join(tmpdir(), "sallyport-revocation-"));
  const file = path.join(dir, "config.json");
  const place = { env: "prod", region: "eu-west", endpoint: "ep-telemetry", tenants: ["*"] };
  const peer = { name: "bench", match: { loopback: true }, ...place };
  const config = {
    grpc: { listen: "127.0.0.1:0" },
    http: { listen: "127.0.0.1:0" },
    bundle: {
      file: path.join(root, "bundles/sallyport.tar.gz"),
      keyset: path.join(root, "examples/quickstart/keys/keyset.json"),
    },
    registry: { dir: path.join(dir, "registry") },
    overrides: { initialize: true },
    peers: [{ ...peer, kinds: ["*", "feed"], may_assert: ["credential"] }],
    decision_log: { sink: "none" },
    log: { level: "silent" },
    shutdown: { drain_s: 0 },
  };
  writeFileSync(file, JSON.stringify(config));
  const app = await startApp(loadConfig({ file, cwd: dir }));
  const stub = new RegistryServiceClient(app.grpcAddress, credentials.createInsecure());
  const client = attach({ addresses: [app.grpcAddress], name: "bench", deadlineMs: 10_000 });
  try {
    const now = Math.floor(Date.now() / 1000);
    const idOf = (each: number): string => `dev-${each}`;
    const call = stub.sync();
    let acked = 0;
    call.on("error", () => {});
    call.on("data", ({ message }: SyncResponse) => {
      if (message?.$case === "ack") acked = message.value.revision;
    });
    const say = (message: SyncRequest["message"]): boolean => call.write({ message });
    const upsert = (kind: string, record: object, revision: number): boolean =>
      say({
        $case: "upsert",
        value: { kind, record_json: JSON.stringify(record), revision, prev: 0, version: 0 },
      });
    say({
      $case: "hello",
      value: { source: "", epoch: "bench", confirm_deletions: true, takes_duties: false },
    });
    say({ $case: "begin_snapshot", value: { revision: 1 } });
    upsert("tenant", tenantRecord("acme"), 0);
    upsert("firmware_policy", floorRecord("acme", "meter", now), 0);
    for (let each = 0; each < revocations; each++) upsert("device", deviceRecord(idOf(each), now), 0);
    say({ $case: "end_snapshot", value: { count: revocations + 2, checksum: "" } });
    while (acked < 1) await new Promise((resolve) => setTimeout(resolve, 5));
    await client.ready(10_000);
    const times: number[] = [];
    for (let each = 0; each < revocations; each++) {
      const id = idOf(each);
      const proof = { type: "asserted", credential: certificateFacts(id, now) } as const;
      const subject = { client_id: id, proof };
      const connect = await client.decide({ kind: "connect", subject });
      if (!connect.allow) throw new Error(`${id} may not connect: ${connect.reason}`);
      const ended = new Promise<string>((resolve) => {
        client.session({ subject, connect, onEnd: resolve, onRevoked: () => {} });
      });
      // The node must have heard of the session before it can end it.
      await new Promise((resolve) => setTimeout(resolve, 10));
      const started = performance.now();
      upsert(
        "device",
        deviceRecord(id, now, { credentials: { [`fp-${id}`]: { status: "revoked" } } }),
        each + 2,
      );
      const reason = await ended;
      times.push(performance.now() - started);
      if (reason !== "credential_revoked") throw new Error(`the session of ${id} ended with ${reason}`);
    }
    call.end();
    return {
      revocations,
      p50_ms: quantile(times, 0.5),
      p99_ms: quantile(times, 0.99),
      worst_ms: quantile(times, 1),
    };
  } finally {
    await client[Symbol.asyncDispose]();
    stub.close();
    await app.close();
    rmSync(dir, { recursive: true, force: true });
  }
}
