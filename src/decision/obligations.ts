/** What an allow or a denial asks of the enforcement point. */

/** Obligations as a policy returns them: nothing relative to the moment of asking, so that they can be cached. */
export interface PolicyObligations {
  readonly session?: { readonly max_s: number; readonly until?: number };
  readonly reattest_within_s?: number;
  readonly rotate_within_s?: number;
  readonly review_within_s?: number;
  readonly retry_at?: number;
  readonly [name: string]: unknown;
}

/** Obligations as an answer carries them; see `docs/obligations.md`. Times are unix seconds, durations seconds. */
export interface Obligations {
  readonly session_ttl_s?: number;
  readonly recheck_after_s?: number;
  readonly rate_class?: string;
  readonly max_qos?: number;
  readonly reattest_by?: number;
  readonly rotate_credential_by?: number;
  readonly update_by?: number;
  readonly mark_reentry?: boolean;
  readonly resync_clock?: boolean;
  readonly route?: string;
  readonly audit?: string;
  readonly alert?: string;
  readonly disconnect?: boolean;
  readonly retry_after_s?: number;
  readonly consume_claim?: boolean;
  readonly review_by?: number;
  readonly notify?: readonly string[];
  readonly command_ttl_s?: number;
  readonly artifact?: string;
  readonly resume?: boolean;
  readonly expires_at?: number;
  readonly fail_static_s?: number;
}

/** Names of all obligations an answer can carry. */
export const obligationNames: readonly (keyof Obligations)[] = [
  "session_ttl_s",
  "recheck_after_s",
  "rate_class",
  "max_qos",
  "reattest_by",
  "rotate_credential_by",
  "update_by",
  "mark_reentry",
  "resync_clock",
  "route",
  "audit",
  "alert",
  "disconnect",
  "retry_after_s",
  "consume_claim",
  "review_by",
  "notify",
  "command_ttl_s",
  "artifact",
  "resume",
  "expires_at",
  "fail_static_s",
];

/** Obligations that an enforcement point may leave undone without turning the allow into a denial. */
export const advisoryObligations: ReadonlySet<keyof Obligations> = new Set([
  "reattest_by",
  "rotate_credential_by",
  "update_by",
  "resync_clock",
  "notify",
  "fail_static_s",
] as const);

/** Obligations that are duties of the service itself, never of the enforcement point. */
export const serviceObligations: ReadonlySet<keyof Obligations> = new Set([
  "consume_claim",
  "mark_reentry",
  "audit",
  "alert",
  "review_by",
] as const);
