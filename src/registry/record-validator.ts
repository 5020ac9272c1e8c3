/** Checks records in bulk: Ajv compiled from the schemas decides, zod words what is wrong. */

import { Ajv, type ValidateFunction } from "ajv";
import { z } from "zod";
import type {
  DeviceRecord,
  FirmwarePolicyRecord,
  RecordKey,
  RecordKind,
  RolloutRecord,
} from "../decision/facts.ts";
import { isSafeId } from "../decision/ids.ts";
import type { ReportRecord } from "../decision/report.ts";
import type { EarReader } from "./ear.ts";
import { releaseSchema, rolloutSchema } from "./release-schemas.ts";
import { isWellFormed, safeIdFormat, wellFormedFormat } from "./schema-words.ts";
import { deviceSchema, firmwarePolicySchema, reportSchema, serviceSchema, tenantSchema } from "./schemas.ts";
import type { AnyRecord } from "./stored-record.ts";

/** A record that may be stored, or why it may not; `key` where the identity at least is readable. */
export type Validated =
  | {
      readonly key: RecordKey;
      readonly record: AnyRecord;
      readonly invalid?: undefined;
      /** What of it was not taken, where the rest was. */
      readonly remark?: string;
    }
  | { readonly key: RecordKey | undefined; readonly record?: undefined; readonly invalid: string };

/**
 * Checks one record of `kind`. The value is completed with the defaults and stripped of unknown fields
 * in place, so it must belong to the caller. Reasons name fields, never values.
 */
export type RecordValidator = (kind: RecordKind, value: unknown) => Validated;

const schemas = {
  device: deviceSchema,
  tenant: tenantSchema,
  firmware_policy: firmwarePolicySchema,
  release: releaseSchema,
  rollout: rolloutSchema,
  service: serviceSchema,
  report: reportSchema,
} as const;

/** All kinds of record. */
export const recordKinds: readonly RecordKind[] = Object.keys(schemas) as RecordKind[];

/** Whether `kind` names a kind of record. */
export function isRecordKind(kind: unknown): kind is RecordKind {
  return typeof kind === "string" && Object.hasOwn(schemas, kind);
}

/** A validator of each kind is compiled at the first record of it (a device: some 50 ms); about 2 us a record from then on. */
export function createRecordValidator({ ear, signedOnly = false }: AttestationRules = {}): RecordValidator {
  let compiler: Ajv | undefined;
  const compile = (kind: RecordKind): ValidateFunction => {
    if (compiler === undefined) {
      compiler = new Ajv({ strict: false, useDefaults: true, removeAdditional: true });
      compiler.addFormat(safeIdFormat, isSafeId);
      compiler.addFormat(wellFormedFormat, isWellFormed);
    }
    return compiler.compile(jsonSchema(schemas[kind]));
  };
  const checks: Partial<Record<RecordKind, ValidateFunction>> = {};
  return (kind, value) => {
    const check = (checks[kind] ??= compile(kind));
    const key = readableKey(kind, value);
    const remark =
      kind === "device" || kind === "report" ? readAttestation(value, ear, signedOnly) : undefined;
    if (!check(value))
      return { key, invalid: describe(schemas[kind], value, compiler?.errorsText(check.errors) ?? "") };
    const record = value as AnyRecord;
    // Fingerprints are looked up by what a proof says: nothing may be found that the record does not hold.
    if ("credentials" in record) Object.setPrototypeOf(record.credentials, null);
    const across =
      kind === "device"
        ? acrossFields(record as DeviceRecord)
        : kind === "rollout"
          ? acrossRollout(record as RolloutRecord)
          : kind === "report"
            ? acrossReport(record as ReportRecord)
            : undefined;
    if (across !== undefined) return { key, invalid: across };
    if (key === undefined) return { key, invalid: "the record has no readable id" };
    return remark === undefined ? { key, record } : { key, record, remark };
  };
}

/** Which attestation results are believed. */
export interface AttestationRules {
  /** Reads signed ones; absent: none is configured. */
  readonly ear?: EarReader;
  /** Whether results that nobody signed count as none. */
  readonly signedOnly?: boolean;
}

/**
 * Puts the facts of a signed result in its place. One that is not believed counts as no attestation, which opens
 * nothing; the rest of the record is taken. Returns what was wrong with it.
 */
function readAttestation(
  value: unknown,
  ear: EarReader | undefined,
  signedOnly: boolean,
): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  // A report names its device so that it is no record of it.
  const device = value as { id?: unknown; device?: unknown; attestation?: unknown };
  const { attestation, id = device.device } = device;
  if (typeof attestation !== "object" || attestation === null) return undefined;
  const token = (attestation as { ear?: unknown }).ear;
  const refuse = (why: string): string => {
    device.attestation = null;
    return `\`attestation\`: ${why}; it counts as none`;
  };
  if (token === undefined) return signedOnly ? refuse("it is not signed") : undefined;
  if (typeof token !== "string" || typeof id !== "string") return refuse("`ear` is no token");
  if (ear === undefined) return refuse("no verifier is configured");
  try {
    device.attestation = ear(token, id);
    return undefined;
  } catch (thrown) {
    return refuse(thrown instanceof Error ? thrown.message : "it cannot be read");
  }
}

/** The JSON Schema that Ajv compiles: of the input, so that defaulted fields may be absent. */
function jsonSchema(schema: z.ZodType): object {
  return z.toJSONSchema(schema, {
    io: "input",
    target: "draft-7",
    override: ({ jsonSchema: node }) => {
      if (node.properties !== undefined) node.additionalProperties = false;
    },
  });
}

/** Times that no order of events could have made. */
function impossible({ attestation, credentials, support }: DeviceRecord): string | undefined {
  for (const { not_after, not_before } of Object.values(credentials))
    if (not_before !== undefined && not_after !== undefined && not_after < not_before)
      return "`credentials`: `not_after` is before `not_before`";
  const reversed = reversedAppraisal(attestation);
  if (reversed !== undefined) return reversed;
  if (support.eol_at !== 0 && support.support_ends_at > support.eol_at)
    return "`support`: `eol_at` is before `support_ends_at`";
  return undefined;
}

function reversedAppraisal(attestation: DeviceRecord["attestation"] | undefined): string | undefined {
  const { appraised_at, expires_at } = attestation ?? {};
  return appraised_at !== undefined && expires_at !== undefined && expires_at < appraised_at
    ? "`attestation`: `expires_at` is before `appraised_at`"
    : undefined;
}

/** Each speaks for its own groups: a device's word never stands in the place of the others' (SYN-17). */
function acrossReport(report: ReportRecord): string | undefined {
  const own = { device: ["firmware", "readiness"], verifier: ["attestation", "attested_key"] };
  const others = report.origin === "device" ? own.verifier : own.device;
  const taken = others.find((name) => Object.hasOwn(report, name));
  if (taken !== undefined) return `\`${taken}\`: is not for a ${report.origin} to say`;
  return reversedAppraisal(report.attestation);
}

/** INV-00b: a gateway may never have reported its firmware; every other device must have one. */
function acrossFields(device: DeviceRecord): string | undefined {
  const gateway = device.class === "gateway";
  const told = device.provenance?.firmware === "device";
  if (!gateway && !told && device.firmware === undefined)
    return "`firmware`: required, except for class `gateway`, or where `provenance.firmware` is `device`";
  if (gateway && device.children === undefined) return "`children`: required for class `gateway`";
  if (gateway && device.max_children === undefined) return "`max_children`: required for class `gateway`";
  return impossible(device);
}

function acrossRollout({ window }: RolloutRecord): string | undefined {
  if (window !== undefined && window.from === window.to)
    return "`window`: `from` and `to` are equal; leave it out for no window";
  return undefined;
}

function describe(schema: z.ZodType, value: unknown, otherwise: string): string {
  const issues = schema.safeParse(value).error?.issues ?? [];
  if (issues.length === 0) return otherwise;
  const told = issues.slice(0, 3).map(({ path, message }) => `\`${path.join(".") || "record"}\`: ${message}`);
  const more = issues.length > 3 ? ` (and ${issues.length - 3} more)` : "";
  return (told.join("; ") + more).slice(0, 500);
}

function readableKey(kind: RecordKind, value: unknown): RecordKey | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (kind === "report") return reportKey(value as Partial<Record<keyof ReportRecord, unknown>>);
  if (kind !== "firmware_policy") return keyOf(kind, (value as { id?: unknown }).id);
  const { tenant, class: deviceClass } = value as Partial<Record<keyof FirmwarePolicyRecord, unknown>>;
  return firmwarePolicyKey(tenant, deviceClass);
}

function keyOf(kind: Exclude<RecordKind, "firmware_policy" | "report">, id: unknown): RecordKey | undefined {
  return typeof id === "string" && isSafeId(id) ? `${kind}:${id}` : undefined;
}

function reportKey({ device, origin }: Partial<Record<keyof ReportRecord, unknown>>): RecordKey | undefined {
  if (origin !== "device" && origin !== "verifier") return undefined;
  return typeof device === "string" && isSafeId(device) ? `report:${origin}/${device}` : undefined;
}

/** Key of a firmware policy; unambiguous because no identifier holds a slash. */
function firmwarePolicyKey(tenant: unknown, deviceClass: unknown): RecordKey | undefined {
  if (typeof tenant !== "string" || typeof deviceClass !== "string") return undefined;
  return isSafeId(tenant) && isSafeId(deviceClass) ? `firmware_policy:${tenant}/${deviceClass}` : undefined;
}
