/**
 * Schemas of the records (FACTS.md, "Policy input"), the one source of what a record must hold.
 * Defaults are the facts whose presence restricts or that may be absent (INV-00, INV-00c): they are
 * explicit in every stored record. Fields that no schema names are dropped (SYN-14).
 * Times are unix seconds; `0` means "never" where a time is not known.
 */

import { z } from "zod";
import type { DeviceRecord, FirmwarePolicyRecord, ServiceRecord, TenantRecord } from "../decision/facts.ts";
import type { ReportRecord } from "../decision/report.ts";
import {
  complianceStatuses,
  credentialStatuses,
  credentialTypes,
  factAuthors,
  firmwareChannels,
  keyProtections,
  lifecycles,
  quarantineModes,
  trustTiers,
  usages,
} from "./record-words.ts";
import { longText, mapOf, safeId, someText, text, time, versionKey, word } from "./schema-words.ts";

const count = z.int().min(0).max(1_000_000_000);
const fingerprint = z
  .string()
  .regex(/^[A-Za-z0-9][\x21-\x7e]{0,255}$/, "must be a fingerprint in printable ASCII");

const credentialType = z.enum(credentialTypes);

const credential = z.object({
  status: z.enum(credentialStatuses),
  bound_at: time,
  last_used_at: time,
  devices: count,
  type: credentialType.exactOptional(),
  not_before: time.exactOptional(),
  not_after: time.exactOptional(),
  key_protection: z.enum(keyProtections).exactOptional(),
  usage: z.enum(usages).exactOptional(),
  verifier: longText.exactOptional(),
  claim: z
    .object({ single_use: z.boolean(), used: z.boolean(), device_ids: z.array(safeId).max(10_000) })
    .exactOptional(),
});

const firmware = z.object({
  version: text,
  key: versionKey.nullable().exactOptional(),
  svn: count.nullable().exactOptional(),
  channel: z.enum(firmwareChannels),
  attested_key: versionKey.exactOptional(),
  components: mapOf(word, versionKey, 64).exactOptional(),
});

const attestation = z.object({
  status: z.enum(trustTiers),
  /** AR4SI claims, a signed byte each. */
  vector: mapOf(word, z.int().min(-128).max(127), 32),
  verifier: text,
  key_fingerprint: text,
  appraised_at: time.exactOptional(),
  expires_at: time.exactOptional(),
});

const state = z.object({
  lifecycle: z.enum(lifecycles),
  quarantine: z.object({ active: z.boolean(), mode: z.enum(quarantineModes), since: time, by: text }),
  last_seen_at: time,
  reentry_required_since: time,
  last_seq: z.int().min(0),
  signals: z
    .array(z.object({ type: word, expires_at: time }))
    .max(64)
    .default([]),
});

const ota = z.object({
  ring: count,
  bucket: z.int().min(0).max(9999).exactOptional(),
  attempts: count,
  last_release: text,
  in_progress: text,
  battery_pct: z.int().min(0).max(100),
  mains: z.boolean(),
  idle: z.boolean(),
  tz_offset_s: z.int().min(-86_400).max(86_400),
});

/**
 * A device or gateway. What spans fields (`firmware` may be absent for gateways only, gateways count
 * their children) is checked by the record validator.
 */
export const deviceSchema: z.ZodType<DeviceRecord> = z.object({
  id: safeId,
  tenant: safeId,
  class: safeId,
  model: text.default(""),
  trust_domain: someText,
  home_region: text,
  regions: z.array(text).max(64),
  hw_rev: text,
  zone: text,
  via: z.array(safeId).max(64),
  credentials: mapOf(fingerprint, credential, 64),
  firmware: firmware.exactOptional(),
  attestation: attestation.nullable().default(null),
  support: z.object({ support_ends_at: time, eol_at: time }),
  compliance: z.object({
    status: z.enum(complianceStatuses),
    exception: z.object({ id: text, expires_at: time }).exactOptional(),
  }),
  state,
  ota,
  provenance: z
    .object({
      firmware: z.enum(factAuthors).exactOptional(),
      readiness: z.enum(factAuthors).exactOptional(),
    })
    .exactOptional(),
  children: count.exactOptional(),
  max_children: count.exactOptional(),
});

/** A tenant. */
export const tenantSchema: z.ZodType<TenantRecord> = z.object({
  id: safeId,
  status: z.enum(["active", "suspended"]),
  model: text,
  env: safeId,
  residency: z.array(text).max(64).default([]),
  failover: z
    .object({ active: z.boolean(), regions: z.array(text).max(64) })
    .default({ active: false, regions: [] }),
  support_access_until: time,
  admission: z
    .object({ min_priority: count, over_quota: z.boolean(), retry_after_s: z.int().min(0).max(86_400) })
    .default({ min_priority: 0, over_quota: false, retry_after_s: 60 }),
  playbook: mapOf(word, z.enum(["quarantine", "downgrade", "disable_commands", "observe"]), 128).default({}),
  attestation_for_hv: z.boolean().default(false),
  ota_hold: z.boolean().default(false),
});

/** The firmware floor of a class of a tenant. */
export const firmwarePolicySchema: z.ZodType<FirmwarePolicyRecord> = z.object({
  tenant: safeId,
  class: safeId,
  min_key: versionKey,
  patched_key: versionKey,
  patched_deadline: time,
  blocked: z.array(versionKey).max(4096),
});

const serviceCredential = credential.extend({
  bound_at: time.default(0),
  last_used_at: time.default(0),
  devices: count.default(1),
});

/** A back-end on the same broker. What of a credential only devices need has a default. */
export const serviceSchema: z.ZodType<ServiceRecord> = z.object({
  id: safeId.regex(/^[^:]*$/, "must hold no colon: it parts the id from the copy in a client id"),
  tenant: safeId,
  trust_domain: someText,
  roles: z.array(safeId).max(64),
  credentials: mapOf(fingerprint, serviceCredential, 64),
});

/** What a verifier, or the device, says. Which groups are whose is checked by the record validator. */
export const reportSchema: z.ZodType<ReportRecord> = z.object({
  origin: z.enum(["verifier", "device"]),
  device: safeId,
  tenant: safeId,
  told_at: time.default(0),
  firmware: firmware.omit({ attested_key: true }).exactOptional(),
  readiness: ota.pick({ battery_pct: true, mains: true, idle: true, tz_offset_s: true }).exactOptional(),
  attestation: attestation.nullable().exactOptional(),
  attested_key: versionKey.exactOptional(),
});
