/** Questions of a fleet: what each device of a fleet file would ask, with its facts joined as in decision tables. */
import { open } from "node:fs/promises";
import type {
  CredentialRecord,
  DeviceRecord,
  FirmwarePolicyRecord,
  TenantRecord,
} from "../decision/facts.ts";
import { parseEntry } from "../registry/parse-entry.ts";
import { readLines } from "../registry/read-lines.ts";
import { createRecordValidator } from "../registry/record-validator.ts";
import { Fault } from "../runtime/fault.ts";
import { absolute, type Facts, mergePatch } from "./facts.ts";

/** One question with its facts, and where it is from. */
export interface Sample {
  /** The case, the line of the log, or the device. */
  readonly from: string;
  /** Entrypoint without `sallyport/`. */
  readonly ask: string;
  readonly facts: Facts;
}

/** A question that every device is asked; in its texts `{device}`, `{tenant}` and `{class}` are the device's. */
export interface FleetQuestion {
  readonly ask: string;
  /** Merge patch over the facts of the device. */
  readonly given: Facts;
}

/** Asked where the author states no questions of their own. */
export const defaultQuestions: readonly FleetQuestion[] = [
  { ask: "connect", given: {} },
  {
    ask: "publish",
    given: { request: { topic: "t/{tenant}/d/{device}/ops/status", qos: 1, retain: false } },
  },
];

/** The records of a fleet file that questions rest on. */
export interface Fleet {
  readonly devices: readonly DeviceRecord[];
  readonly tenants: ReadonlyMap<string, TenantRecord>;
  readonly firmware: ReadonlyMap<string, FirmwarePolicyRecord>;
  /** Lines that hold no valid record. */
  readonly invalid: number;
}

/** Reads a fleet file in NDJSON; times as `"@-2h"` are relative to `now`. @throws Fault `request_invalid` */
export async function readFleetRecords(path: string, now: number): Promise<Fleet> {
  const validate = createRecordValidator();
  const devices: DeviceRecord[] = [];
  const tenants = new Map<string, TenantRecord>();
  const firmware = new Map<string, FirmwarePolicyRecord>();
  let invalid = 0;
  const file = await open(path).catch((error: unknown) => {
    throw new Fault("request_invalid", `the fleet file \`${path}\` cannot be read`, { cause: error });
  });
  try {
    for await (const lines of readLines(file)) {
      for (const { bytes } of lines) {
        if (bytes.length === 0) continue;
        const record = recordOf(bytes, now, validate);
        if (record === undefined) invalid++;
        else if (record === "end") continue;
        else if (record.key.startsWith("device:")) devices.push(record.record as DeviceRecord);
        else if (record.key.startsWith("tenant:")) tenants.set(record.key, record.record as TenantRecord);
        else firmware.set(record.key, record.record as FirmwarePolicyRecord);
      }
    }
  } finally {
    await file.close();
  }
  if (devices.length === 0)
    throw new Fault("request_invalid", `\`${path}\` holds no device; give a fleet file in NDJSON`);
  return { devices, tenants, firmware, invalid };
}

function recordOf(
  bytes: Buffer,
  now: number,
  validate: ReturnType<typeof createRecordValidator>,
): { readonly key: string; readonly record: unknown } | "end" | undefined {
  const text = bytes.toString("utf8");
  try {
    const value: unknown = JSON.parse(text);
    const entry = parseEntry(text.includes('"@') ? absolute(value, now) : value, validate);
    if ("end" in entry) return "end";
    return entry.invalid === undefined ? { key: entry.key, record: entry.record } : undefined;
  } catch {
    return undefined;
  }
}

const credentialTypes: Readonly<Record<string, string>> = {
  zero_trust: "jwt",
  shared_credential: "shared_token",
  gateway_mediated: "gateway_asserted",
};

/** The first active credential as a proof would tell it; null where the device has none. */
function credentialOf(device: DeviceRecord, model: string, now: number): Facts | null {
  const found = Object.entries(device.credentials).find(([, record]) => record.status === "active");
  if (found === undefined) return null;
  const [fingerprint, record] = found as [string, CredentialRecord];
  return {
    type: record.type ?? credentialTypes[model] ?? "x509",
    trust_domain: device.trust_domain,
    device_id: device.id,
    tenant: device.tenant,
    fingerprint,
    not_before: record.not_before ?? record.bound_at,
    not_after: record.not_after ?? now + 8 * 3600,
    key_protection: record.key_protection ?? "software",
    usage: record.usage ?? "telemetry",
  };
}

/** The facts of a device that asks now, at its first region. */
function factsOf(
  fleet: Fleet,
  gateways: ReadonlyMap<string, DeviceRecord>,
  device: DeviceRecord,
  now: number,
): Facts {
  const tenant = fleet.tenants.get(`tenant:${device.tenant}`) ?? null;
  const model = device.model || (tenant?.model ?? "");
  const floor = (one: DeviceRecord): FirmwarePolicyRecord | null =>
    fleet.firmware.get(`firmware_policy:${one.tenant}/${one.class}`) ?? null;
  const gateway = device.via[0] === undefined ? undefined : gateways.get(device.via[0]);
  return {
    now,
    registry: { synced: true, watermark: now },
    request: {
      env: tenant?.env ?? "prod",
      region: device.regions[0] ?? "",
      endpoint: "ep-telemetry",
      client_id: device.id,
      occurred_at: now,
      ...(gateway === undefined ? {} : { via: gateway.id }),
    },
    credential: credentialOf(device, model, now),
    device: { ...device, model: device.model || null },
    tenant,
    fw_policy: floor(device),
    gateway: gateway ?? null,
    gateway_fw_policy: gateway === undefined ? null : floor(gateway),
    approvals: [],
  };
}

function filled(value: unknown, names: Readonly<Record<string, string>>): unknown {
  if (typeof value === "string")
    return value.replace(/\{(device|tenant|class)\}/g, (_, name: string) => names[name] as string);
  if (Array.isArray(value)) return value.map((each) => filled(each, names));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, filled(each, names)]));
}

/** Every question of every device, or of those from one place in the fleet to another. */
export function* fleetSamples(
  fleet: Fleet,
  questions: readonly FleetQuestion[],
  now: number,
  [start, end]: readonly [start: number, end: number] = [0, fleet.devices.length],
): Generator<Sample> {
  const gateways = new Map(fleet.devices.map((device) => [device.id, device]));
  for (const device of fleet.devices.slice(start, end)) {
    const facts = factsOf(fleet, gateways, device, now);
    const names = { device: device.id, tenant: device.tenant, class: device.class };
    for (const { ask, given } of questions) {
      yield { from: device.id, ask, facts: mergePatch(facts, filled(given, names)) as Facts };
    }
  }
}
