/** A small fleet with real certificates, in a folder of its own: what the broker stories are about. */
import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeCertificates } from "../../examples/mqtt-broker/certificates.mjs";
import type { DeviceRecord } from "../../src/decision/facts.ts";
import { type Json, mergePatch } from "../cases/table.ts";
import { deviceRecord, floorRecord, tenantRecord } from "../records.ts";

/** Devices of tenant `acme`. `meter-ghost` has a certificate, but no record. */
const devices = [
  "meter-ok",
  "meter-old",
  "meter-other",
  "meter-revoked",
  "meter-short",
  "meter-ghost",
] as const;
export type DeviceName = (typeof devices)[number];

export interface Fleet extends AsyncDisposable {
  /** Folder with `ca.pem`, `broker.pem`, one `DEVICE.pem` and `DEVICE.key` per device, and `stranger/`. */
  readonly dir: string;
  /** The file that the registry watches. */
  readonly file: string;
  /** Changes facts of a device and replaces the file at once. */
  change(device: DeviceName, patch: Json): Promise<void>;
  /** PEM files by path below `dir`. */
  read(name: string): Promise<string>;
}

export async function makeFleet(): Promise<Fleet> {
  const dir = await mkdtemp(join(tmpdir(), "sallyport-broker-"));
  const file = join(dir, "fleet.ndjson");
  const now = Math.floor(Date.now() / 1000);
  const issue = { tenant: "acme", days: 90, now };
  const fingerprints = await makeCertificates({ ...issue, out: dir, devices });
  // Somebody else's authority, which issues the same names.
  await makeCertificates({ ...issue, out: join(dir, "stranger"), devices: ["meter-ok"] });

  const record = (id: DeviceName, status: string, patch: Json = {}): DeviceRecord => {
    const fingerprint = fingerprints[id] ?? "";
    const credential = { status, bound_at: now - 3600, last_used_at: now - 60, devices: 1 };
    const attestation = {
      status: "affirming",
      vector: { instance_identity: 2, executables: 2 },
      verifier: "veraison-prod",
      key_fingerprint: fingerprint,
      appraised_at: now - 600,
      expires_at: now + 3600,
    };
    const device = mergePatch(deviceRecord(id, now, patch) as unknown as Json, { attestation }) as Json;
    return { ...device, credentials: { [fingerprint]: credential } } as unknown as DeviceRecord;
  };
  const records = new Map<string, DeviceRecord>([
    ["meter-ok", record("meter-ok", "active")],
    ["meter-old", record("meter-old", "active", { firmware: { version: "2.3.0", key: 2003000 } })],
    ["meter-other", record("meter-other", "active")],
    ["meter-revoked", record("meter-revoked", "revoked")],
    ["meter-short", record("meter-short", "active", { support: { support_ends_at: now + 86_400 } })],
  ]);

  const write = async (): Promise<void> => {
    const entries = [
      { kind: "tenant", record: tenantRecord("acme", { attestation_for_hv: true }) },
      { kind: "firmware_policy", record: floorRecord("acme", "meter", now) },
      ...[...records.values()].map((device) => ({ kind: "device", record: device })),
    ];
    await writeFile(`${file}.new`, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
    await rename(`${file}.new`, file);
  };
  await write();
  return {
    dir,
    file,
    async change(device, patch) {
      const before = records.get(device) as unknown as Json;
      records.set(device, mergePatch(before, patch) as unknown as DeviceRecord);
      await write();
    },
    read: (name) => readFile(join(dir, name), "utf8"),
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  };
}
