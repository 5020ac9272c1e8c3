/** A service with doors for brokers, over a small fleet whose devices prove themselves with secrets. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type App, startApp } from "../../src/app.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import type { DeviceRecord } from "../../src/decision/facts.ts";
import { makeVerifier } from "../../src/identity/verifier.ts";
import type { Clock } from "../../src/runtime/clock.ts";
import { type Json, mergePatch } from "../cases/table.ts";
import { deviceRecord, floorRecord, tenantRecord } from "../records.ts";
import { exampleKeysetPath, shippedPath } from "../shipped.ts";

/** Files of the service. */
export interface Premises extends Disposable {
  /** Writes a file, and says where it is. */
  file(name: string, content: string): string;
  /** Path of the configuration. */
  readonly config: string;
  /** Path of one with other parts in place of some. */
  configured(more: object): string;
  /** Changes facts of a device; the service sees it when it looks. */
  change(device: string, patch: Json): void;
}

/** The secret of a device. */
export const secretOf = (device: string): string => `secret of ${device}`;

/**
 * Tenant `acme`: `m-1` and `m-2` are attested, `m-old` has outdated firmware, the back-end `svc-1` reads `ops` and `hv`. `brokers` names what it makes with
 * `file`; `more` replaces parts of the configuration.
 */
export function makePremises(
  brokers: (file: Premises["file"]) => readonly object[],
  more: object = {},
  now: number = Math.floor(Date.now() / 1000),
): Premises {
  const folder = mkdtempSync(join(tmpdir(), "sallyport-brokers-"));
  const file = (name: string, content: string): string => {
    writeFileSync(join(folder, `${name}.new`), content);
    renameSync(join(folder, `${name}.new`), join(folder, name));
    return join(folder, name);
  };
  const credentialOf = (id: string) => ({
    type: "psk",
    status: "active",
    not_before: now - 100,
    not_after: now + 86_400,
    verifier: makeVerifier(secretOf(id)),
  });
  const device = (id: string, patch: Json = {}): DeviceRecord => {
    const attestation = {
      status: "affirming",
      vector: { instance_identity: 2, executables: 2 },
      verifier: "veraison-prod",
      key_fingerprint: `fp-${id}`,
      appraised_at: now - 600,
      expires_at: now + 7200,
    };
    const known = { credentials: { [`fp-${id}`]: credentialOf(id) }, attestation };
    return mergePatch(deviceRecord(id, now, patch) as unknown as Json, known) as unknown as DeviceRecord;
  };
  const devices = new Map<string, DeviceRecord>([
    ["m-1", device("m-1")],
    ["m-2", device("m-2")],
    ["m-old", device("m-old", { firmware: { version: "2.3.0", key: 2003000 } })],
  ]);
  const service = {
    id: "svc-1",
    tenant: "acme",
    trust_domain: "prod.devices.acme.example",
    roles: ["sre", "data_steward"],
    credentials: { "fp-svc-1": credentialOf("svc-1") },
  };
  const write = (): string => {
    const records = [
      {
        kind: "tenant",
        record: tenantRecord("acme", { model: "gateway_mediated", attestation_for_hv: true }),
      },
      { kind: "firmware_policy", record: floorRecord("acme", "meter", now) },
      ...[...devices.values()].map((record) => ({ kind: "device", record })),
      { kind: "service", record: service },
    ];
    return file("fleet.ndjson", records.map((each) => `${JSON.stringify(each)}\n`).join(""));
  };
  const place = { env: "prod", region: "eu-west", endpoint: "ep-telemetry", tenants: ["*"] };
  const settings = {
    workers: 0,
    grpc: { listen: "127.0.0.1:0" },
    http: { listen: "127.0.0.1:0" },
    bundle: { file: shippedPath, keyset: exampleKeysetPath },
    overrides: { initialize: true },
    registry: { dir: join(folder, "registry"), file: { path: write() } },
    peers: [{ name: "broker", match: { loopback: true }, ...place }],
    brokers: brokers(file),
    decision_log: { sink: "none" },
    log: { level: "silent" },
    ...more,
  };
  return {
    file,
    config: file("sallyport.json", JSON.stringify(settings)),
    configured: (other) => file("other.json", JSON.stringify({ ...settings, ...other })),
    change(id, patch) {
      const before = devices.get(id);
      if (before === undefined) throw new Error(`there is no device ${id}`);
      devices.set(id, mergePatch(before as unknown as Json, patch) as unknown as DeviceRecord);
      write();
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Starts the service in this process. */
export function startIn({ config }: Premises, clock?: Clock): Promise<App> {
  return startApp(loadConfig({ file: config, cwd: process.cwd() }), clock === undefined ? {} : { clock });
}

/** Patches of a device's record. */
export const quarantined: Json = { state: { quarantine: { active: true, mode: "block" } } };
export const released: Json = { state: { quarantine: { active: false, mode: "constrain" } } };
