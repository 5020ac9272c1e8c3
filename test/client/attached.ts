/** A whole service with a small fleet in a file, and what a test of attached clients asks of it. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { type App, startApp } from "../../src/app.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import type { PublishQuery, Subject } from "../../src/decision/query.ts";
import { certificateFacts, deviceRecord, floorRecord, tenantRecord } from "../records.ts";
import { exampleKeysetPath, shippedPath } from "../shipped.ts";

/** One moment for all records: what was not meant to change does not. */
const made = Math.floor(Date.now() / 1000);

/** A folder with everything that a service needs. */
export interface Fleet extends Disposable {
  readonly folder: string;
  readonly config: string;
  /** Rewrites the record file; devices with a patch differ from healthy ones. */
  write(patches?: Readonly<Record<string, object>>): void;
}

/** Makes it: devices `meter-0` and on. `more` goes into the configuration. */
export function makeFleet(devices: number, more: object = {}): Fleet {
  const folder = mkdtempSync(join(tmpdir(), "sallyport-attach-"));
  const config = join(folder, "sallyport.yaml");
  const write: Fleet["write"] = (patches = {}) => {
    const records = [
      { kind: "tenant", record: tenantRecord("acme") },
      { kind: "firmware_policy", record: floorRecord("acme", "meter", made) },
      ...Array.from({ length: devices }, (_, i) => {
        const id = `meter-${i}`;
        return { kind: "device", record: deviceRecord(id, made, patches[id] as never) };
      }),
    ];
    writeFileSync(join(folder, "fleet.ndjson"), records.map((each) => `${JSON.stringify(each)}\n`).join(""));
  };
  write();
  writeFileSync(
    config,
    stringify({
      grpc: { listen: "127.0.0.1:0" },
      http: { listen: "127.0.0.1:0" },
      bundle: { file: shippedPath, keyset: exampleKeysetPath },
      registry: { dir: join(folder, "registry"), file: { path: "fleet.ndjson", poll_s: 3600 } },
      overrides: { initialize: true },
      decision_log: { sink: "none" },
      log: { level: "silent" },
      shutdown: { drain_s: 0 },
      coherence: { lease_s: 1 },
      peers: [
        {
          name: "broker",
          match: { loopback: true },
          env: "prod",
          region: "eu-west",
          endpoint: "ep-telemetry",
          tenants: ["*"],
          kinds: ["*", "admin"],
          may_assert: ["credential", "actor"],
        },
      ],
      ...more,
    }),
  );
  return { folder, config, write, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Starts a service over it in this process. */
export function serveFleet(fleet: Fleet, flags: Readonly<Record<string, string>> = {}): Promise<App> {
  return startApp(loadConfig({ file: fleet.config, flags, cwd: fleet.folder }));
}

/** A device as a broker names it, with a credential that it vouches for. */
export function subjectOf(i: number): Subject {
  const id = `meter-${i}`;
  return { client_id: id, proof: { type: "asserted", credential: certificateFacts(id, made) } };
}

/** A telemetry message of a subject. */
export function publishOf(subject: Subject, stream = "ops/temp"): PublishQuery {
  const topic = `t/acme/d/${subject.client_id}/${stream}`;
  return { kind: "publish", subject, topic, qos: 0, retain: false };
}

/** Waits until `done`, at most ten seconds. */
export async function until(done: () => boolean): Promise<void> {
  const end = Date.now() + 10_000;
  while (!done()) {
    if (Date.now() > end) throw new Error("it did not happen within ten seconds");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
