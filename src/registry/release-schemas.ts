/** Schemas of releases and rollouts (FACTS.md, "Policy input"); `schemas.ts` says how defaults are meant. */
import { z } from "zod";
import type { ReleaseRecord, RolloutRecord } from "../decision/facts.ts";
import { mapOf, safeId, text, time, versionKey, word } from "./schema-words.ts";

/** A share of a million. */
const ppm = z.int().min(0).max(1_000_000);
const names = z.array(text).max(64);
const daySecond = z.int().min(0).max(86_399);
const optionalId = z.union([safeId, z.literal("")]).default("");

/** A firmware release. */
export const releaseSchema: z.ZodType<ReleaseRecord> = z.object({
  id: safeId,
  rollout: optionalId,
  env: safeId,
  kind: z.enum(["feature", "security", "remediation", "rollback", "decommission"]),
  key: versionKey,
  svn: z.int().min(0).max(1_000_000_000),
  tenants: z.array(safeId).max(1024).default([]),
  classes: z.array(safeId).max(64),
  hw_revs: names,
  manifest: z.object({ verified: z.boolean(), threshold: z.int().min(1).max(64), expires_at: time }),
  signed_by: names,
  approved_by: names,
  approvals_required: z.int().min(0).max(64),
  requires_min_key: versionKey,
  delta_from_key: versionKey,
  depends: mapOf(word, versionKey, 64).default({}),
  conflicts: mapOf(word, versionKey, 64).default({}),
  provides: mapOf(word, versionKey, 64).default({}),
  min_battery_pct: z.int().min(0).max(100),
  superseded: z.boolean(),
});

const ring = z.object({
  name: word,
  /** 0: not planned yet. */
  opened_at: time,
  /** Basis points: impossible percentages isolate the rollout. */
  percent_bp: z.int().min(0).max(10_000),
  health: z.object({
    samples: z.int().min(0).max(1_000_000_000),
    crash_free_ppm: ppm.exactOptional(),
    boot_ok_ppm: ppm.exactOptional(),
    telemetry_ppm: ppm.exactOptional(),
    command_p95_ms: z.int().min(0).max(86_400_000).exactOptional(),
    failed_ppm: ppm.exactOptional(),
  }),
});

/** A rollout. What spans fields is checked by the record validator. */
export const rolloutSchema: z.ZodType<RolloutRecord> = z.object({
  id: safeId,
  state: z.enum(["draft", "running", "paused", "aborted", "completed"]),
  rings: z.array(ring).min(1).max(32),
  current_ring: z.int().min(0).max(31),
  gates: z.object({
    /** No data is not health: a gate without samples never passes. */
    min_samples: z.int().min(1).max(1_000_000_000),
    min_crash_free_ppm: ppm.exactOptional(),
    min_boot_ok_ppm: ppm.exactOptional(),
    min_telemetry_ppm: ppm.exactOptional(),
    max_command_p95_ms: z.int().min(0).max(86_400_000).exactOptional(),
    max_failed_ppm: ppm.exactOptional(),
    bake_s: z.int().min(0).max(31_536_000),
  }),
  held_regions: names.default([]),
  owner_approvals: names.default([]),
  rollback_from: z.array(versionKey).max(1024).default([]),
  max_attempts: z.int().min(1).max(1000),
  window: z.object({ from: daySecond, to: daySecond }).exactOptional(),
});
