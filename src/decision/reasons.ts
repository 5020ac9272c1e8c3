/**
 * The closed vocabulary of reasons: one code says why, the retry class says what may change it.
 * `docs/reasons.md` explains each code; a test keeps the two equal.
 */

/** What a denied caller can hope for: nothing, a repair, or simply a later attempt. */
export type RetryClass = "never" | "remediate" | "backoff";

const allow = [
  "ok",
  "ok_degraded",
  "ok_stale_facts",
  "ok_backfill",
  "ok_failover",
  "ok_exception",
  "ok_clock_skew",
  "ok_provisioning",
  "ok_enrolled",
  "ok_renewal_only",
  "ok_reentry",
  "ok_recovery",
  "ok_quarantine_channel",
  "ok_safe_mode",
  "ok_eol",
  "ok_recovery_command",
  "ok_break_glass",
  "ota_eligible",
  "ota_eligible_remediation",
  "ota_eligible_rollback",
] as const;

const never = [
  "bad_request",
  "topic_invalid",
  "credential_missing",
  "actor_missing",
  "trust_domain_unknown",
  "trust_domain_mismatch",
  "environment_mismatch",
  "tenant_mismatch",
  "credential_binding_mismatch",
  "credential_revoked",
  "credential_usage_mismatch",
  "claim_not_allowed",
  "claim_out_of_scope",
  "claim_spent",
  "device_eol",
  "device_retired",
  "region_not_allowed",
  "residency_violation",
  "direct_connect_not_allowed",
  "topic_reserved",
  "topic_out_of_scope",
  "topic_wildcard_too_broad",
  "topic_stream_not_allowed",
  "qos_not_allowed",
  "zone_not_allowed",
  "message_too_old",
  "message_replayed",
  "command_not_allowed",
  "operation_unknown",
  "role_missing",
  "duty_conflict",
  "break_glass_not_permitted",
  "ota_not_supported",
  "ota_manifest_unverified",
  "ota_threshold_unmet",
  "ota_release_superseded",
  "ota_rollout_aborted",
  "ota_not_targeted",
  "ota_already_current",
  "ota_downgrade_blocked",
  "ota_security_version_too_low",
  "ota_rollback_not_authorized",
] as const;

const remediate = [
  "model_unknown",
  "facts_invalid",
  "model_not_allowed_in_environment",
  "device_unknown",
  "tenant_unknown",
  "tenant_suspended",
  "credential_type_not_allowed",
  "credential_unknown",
  "credential_superseded",
  "credential_expired",
  "credential_ttl_exceeds_policy",
  "credential_shared",
  "credential_inactive",
  "key_not_hardware_backed",
  "claim_policy_violation",
  "device_not_activated",
  "device_quarantined",
  "risk_quarantined",
  "device_safe_mode",
  "device_dormant",
  "reentry_evidence_required",
  "recovery_review_pending",
  "gateway_unknown",
  "gateway_not_authorized",
  "gateway_quarantined",
  "gateway_not_active",
  "gateway_attestation_failed",
  "gateway_attestation_stale",
  "gateway_firmware_below_minimum",
  "gateway_degraded",
  "firmware_not_production",
  "firmware_mismatch",
  "firmware_blocked",
  "firmware_below_minimum",
  "firmware_unknown",
  "firmware_outside_patch_window",
  "attestation_missing",
  "attestation_failed",
  "attestation_untrusted_verifier",
  "attestation_binding_mismatch",
  "attestation_claim_missing",
  "attestation_stale",
  "attestation_warning",
  "risk_downgraded",
  "support_ended",
  "compliance_failed",
  "clock_skew_exceeded",
  "commands_disabled",
  "mfa_required",
  "approval_missing",
  "approval_self",
  "approval_expired",
  "break_glass_expired",
  "break_glass_invalid",
  "ota_manifest_expired",
  "ota_not_approved",
  "ota_owner_approval_missing",
  "ota_precursor_unmet",
  "ota_dependency_unmet",
  "ota_conflict",
  "ota_gate_failed",
  "ota_attempts_exhausted",
] as const;

const backoff = [
  "facts_not_ready",
  "facts_stale",
  "internal_error",
  "rate_limited",
  "tenant_quota_exceeded",
  "credential_not_yet_valid",
  "gateway_capacity_exceeded",
  "admission_shed",
  "ota_no_release",
  "ota_rollout_paused",
  "ota_rollout_not_running",
  "ota_tenant_hold",
  "ota_region_hold",
  "ota_gate_insufficient_data",
  "ota_gate_baking",
  "ota_ring_not_open",
  "ota_bucket_not_reached",
  "ota_outside_window",
  "ota_device_not_ready",
  "ota_in_progress",
] as const;

/** A reason that accompanies `allow: true`. */
export type AllowReason = (typeof allow)[number];
/** A reason that accompanies `allow: false`. */
export type DenyReason = (typeof never)[number] | (typeof remediate)[number] | (typeof backoff)[number];
/** Any reason code. */
export type Reason = AllowReason | DenyReason;

/** Every allow code, in the order of the documentation. */
export const allowReasons: readonly AllowReason[] = allow;

/** Every deny code with its retry class, in the order of the documentation. */
export const denyReasons: ReadonlyMap<DenyReason, RetryClass> = new Map<DenyReason, RetryClass>([
  ...never.map((code) => [code, "never"] as const),
  ...remediate.map((code) => [code, "remediate"] as const),
  ...backoff.map((code) => [code, "backoff"] as const),
]);

const allowSet: ReadonlySet<string> = new Set(allow);

/** Whether `code` is a reason that may accompany an allow. */
export function isAllowReason(code: string): code is AllowReason {
  return allowSet.has(code);
}

/** Whether `code` is a reason that may accompany a denial. */
export function isDenyReason(code: string): code is DenyReason {
  return denyReasons.has(code as DenyReason);
}

/** The retry class of a denial. */
export function retryClass(reason: DenyReason): RetryClass {
  return denyReasons.get(reason) ?? "remediate";
}
