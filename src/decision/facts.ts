/**
 * The facts of a decision: what the registry stores and what a proof establishes.
 * Field names are those of the policy input, of the API and of the log.
 * Times are integer unix seconds of server time; `0` in a field that allows it means "never".
 */

/** How a subject proved who it is. */
export type CredentialType = "x509" | "jwt" | "psk" | "gateway_asserted" | "shared_token" | "claim";

/** Where the private key or secret lives. */
export type KeyProtection = "software" | "secure_element" | "tpm" | "tee";

/** The bootstrap right that a claim credential carries. */
export interface Claim {
  readonly single_use: boolean;
  readonly used: boolean;
  readonly device_ids: readonly string[];
}

/** Facts that follow from a proof of identity; never taken from a message that nobody vouches for. */
export interface Credential {
  readonly type: CredentialType;
  readonly trust_domain: string;
  /** Device id bound into the credential (URI SAN, `sub`), or the name of a shared secret. */
  readonly device_id: string;
  readonly tenant: string;
  /** Fingerprint of the key, certificate or secret as the registry knows it. */
  readonly fingerprint: string;
  readonly not_before: number;
  readonly not_after: number;
  readonly key_protection: KeyProtection;
  readonly usage: "telemetry" | "control";
  readonly claim?: Claim;
}

/** What the registry knows of one credential of a device, by fingerprint. */
export interface CredentialRecord {
  readonly status: "active" | "superseded" | "revoked";
  readonly bound_at: number;
  readonly last_used_at: number;
  /** Number of distinct device ids seen using it. */
  readonly devices: number;
  /** Proof attributes that the registry knows; needed where the proof itself carries none (secrets). */
  readonly type?: CredentialType;
  readonly not_before?: number;
  readonly not_after?: number;
  readonly key_protection?: KeyProtection;
  readonly usage?: "telemetry" | "control";
  /** Salted verifier of a shared secret (`scrypt$N$r$p$salt$hash`); never part of any policy input, log or answer. */
  readonly verifier?: string;
  readonly claim?: Claim;
}

/** An attestation result (RFC 9334) with AR4SI trust vector. */
export interface Attestation {
  readonly status: "affirming" | "warning" | "contraindicated" | "none";
  readonly vector: Readonly<Record<string, number>>;
  readonly verifier: string;
  readonly key_fingerprint: string;
  readonly appraised_at?: number;
  readonly expires_at?: number;
}

/** A detection in force on a device until it expires. */
export interface Signal {
  readonly type: string;
  readonly expires_at: number;
}

/** A device, gateways included. */
export interface DeviceRecord {
  readonly id: string;
  readonly tenant: string;
  readonly class: string;
  /** Security model that overrides the tenant's; empty: the tenant's. */
  readonly model: string;
  readonly trust_domain: string;
  readonly home_region: string;
  readonly regions: readonly string[];
  readonly hw_rev: string;
  readonly zone: string;
  /** Gateways that may speak for it. */
  readonly via: readonly string[];
  readonly credentials: Readonly<Record<string, CredentialRecord>>;
  readonly firmware?: {
    readonly version: string;
    /** `major * 1e6 + minor * 1e3 + patch`; `null`: the registry says that it is unknown. */
    readonly key?: number | null;
    readonly svn?: number | null;
    readonly channel: "production" | "test" | "debug";
    readonly attested_key?: number;
    readonly components?: Readonly<Record<string, number>>;
  };
  readonly attestation: Attestation | null;
  readonly support: { readonly support_ends_at: number; readonly eol_at: number };
  readonly compliance: {
    readonly status: "compliant" | "non_compliant" | "unknown";
    readonly exception?: { readonly id: string; readonly expires_at: number };
  };
  readonly state: {
    readonly lifecycle: string;
    readonly quarantine: {
      readonly active: boolean;
      readonly mode: "constrain" | "block";
      readonly since: number;
      readonly by: string;
    };
    readonly last_seen_at: number;
    readonly reentry_required_since: number;
    readonly last_seq: number;
    readonly signals: readonly Signal[];
  };
  readonly ota: {
    readonly ring: number;
    readonly bucket?: number;
    readonly attempts: number;
    readonly last_release: string;
    readonly in_progress: string;
    readonly battery_pct: number;
    readonly mains: boolean;
    readonly idle: boolean;
    readonly tz_offset_s: number;
  };
  /** Groups of facts that the device itself tells; without it every fact here is the operator's. */
  readonly provenance?: {
    readonly firmware?: "device" | "operator";
    readonly readiness?: "device" | "operator";
  };
  /** Gateways: leaves attached now, and the most it may have. */
  readonly children?: number;
  readonly max_children?: number;
}

/** A tenant and its choices. */
export interface TenantRecord {
  readonly id: string;
  readonly status: "active" | "suspended";
  readonly model: string;
  readonly env: string;
  readonly residency: readonly string[];
  readonly failover: { readonly active: boolean; readonly regions: readonly string[] };
  readonly support_access_until: number;
  readonly admission: {
    readonly min_priority: number;
    readonly over_quota: boolean;
    readonly retry_after_s: number;
  };
  readonly playbook: Readonly<Record<string, "quarantine" | "downgrade" | "disable_commands" | "observe">>;
  readonly attestation_for_hv: boolean;
  readonly ota_hold: boolean;
}

/** The firmware floor of one class of devices of one tenant. */
export interface FirmwarePolicyRecord {
  readonly tenant: string;
  readonly class: string;
  readonly min_key: number;
  readonly patched_key: number;
  readonly patched_deadline: number;
  readonly blocked: readonly number[];
}

/** Who sends a command: a person or a service, from a verified token or a record. */
export interface Actor {
  readonly id: string;
  readonly type: "human" | "service";
  /** `*`: the platform's own staff. */
  readonly tenant: string;
  readonly roles: readonly string[];
  readonly mfa: boolean;
}

/** Another person's consent to exactly this command. */
export interface Approval {
  readonly by: string;
  readonly roles: readonly string[];
  readonly expires_at: number;
}

/** Emergency access, time-boxed and reviewed. */
export interface BreakGlass {
  readonly ticket: string;
  readonly started_at: number;
  readonly expires_at: number;
}

/** What a release is for; `remediation` and `rollback` are urgent. */
export type ReleaseKind = "feature" | "security" | "remediation" | "rollback" | "decommission";

/** A firmware release: what it is, who answers for it, what it fits. */
export interface ReleaseRecord {
  readonly id: string;
  /** Rollout that offers it; empty: none. */
  readonly rollout: string;
  readonly env: string;
  readonly kind: ReleaseKind;
  /** `major * 1e6 + minor * 1e3 + patch`. */
  readonly key: number;
  /** Security version; never falls on a device. */
  readonly svn: number;
  /** Tenants it is meant for; empty: all. */
  readonly tenants: readonly string[];
  readonly classes: readonly string[];
  readonly hw_revs: readonly string[];
  readonly manifest: {
    readonly verified: boolean;
    readonly threshold: number;
    readonly expires_at: number;
  };
  readonly signed_by: readonly string[];
  readonly approved_by: readonly string[];
  readonly approvals_required: number;
  /** Oldest version that may install it directly. */
  readonly requires_min_key: number;
  /** Version that a delta artifact starts from; 0: there is none. */
  readonly delta_from_key: number;
  /** Least version by component. */
  readonly depends: Readonly<Record<string, number>>;
  /** Version by component with which it must not meet. */
  readonly conflicts: Readonly<Record<string, number>>;
  /** Version by component that it brings along. */
  readonly provides: Readonly<Record<string, number>>;
  readonly min_battery_pct: number;
  readonly superseded: boolean;
}

/** Health that a ring reported; a number that is missing was not measured. */
export interface RingHealth {
  readonly samples: number;
  readonly crash_free_ppm?: number;
  readonly boot_ok_ppm?: number;
  readonly telemetry_ppm?: number;
  readonly command_p95_ms?: number;
  readonly failed_ppm?: number;
}

/** One ring of a rollout: when it opens (0: not planned) and for which share, in basis points. */
export interface Ring {
  readonly name: string;
  readonly opened_at: number;
  readonly percent_bp: number;
  readonly health: RingHealth;
}

/** Numbers that a ring must reach before the next one follows; one that is missing is never reached. */
export interface RolloutGates {
  readonly min_samples: number;
  readonly min_crash_free_ppm?: number;
  readonly min_boot_ok_ppm?: number;
  readonly min_telemetry_ppm?: number;
  readonly max_command_p95_ms?: number;
  readonly max_failed_ppm?: number;
  readonly bake_s: number;
}

/** How far a rollout has come. */
export type RolloutState = "draft" | "running" | "paused" | "aborted" | "completed";

/** A rollout: rings with their health, and the gates between them. Its id salts the bucket of a device. */
export interface RolloutRecord {
  readonly id: string;
  readonly state: RolloutState;
  readonly rings: readonly Ring[];
  readonly current_ring: number;
  readonly gates: RolloutGates;
  readonly held_regions: readonly string[];
  /** `NAME` for all, `TENANT/NAME` for that tenant's devices. */
  readonly owner_approvals: readonly string[];
  /** Versions from which a rollback is authorised. */
  readonly rollback_from: readonly number[];
  readonly max_attempts: number;
  /** Maintenance window in seconds of the device's local day; may cross midnight. */
  readonly window?: { readonly from: number; readonly to: number };
}

/** A back-end on the same broker: who it is, what it may present, which roles it has. */
export interface ServiceRecord {
  /** Without a colon: a client id is `<id>` or `<id>:<copy>`. */
  readonly id: string;
  readonly tenant: string;
  readonly trust_domain: string;
  readonly roles: readonly string[];
  readonly credentials: Readonly<Record<string, CredentialRecord>>;
}

/** Record kinds of the registry. */
export type RecordKind =
  | "device"
  | "tenant"
  | "firmware_policy"
  | "release"
  | "rollout"
  | "service"
  | "report";

/**
 * Key of one record: `device:ID`, `tenant:ID`, `firmware_policy:TENANT/CLASS`, `release:ID`, `rollout:ID`,
 * `service:ID`, `report:ORIGIN/DEVICE`.
 */
export type RecordKey = `${RecordKind}:${string}`;
