/** Overrides: trust withdrawn by people or detections at this service, beside what the registry says. */

/** What an override does. `pause` latches the pause of a rollout; `signal` is a detection for the playbook. */
export type OverrideKind = "quarantine" | "safe_mode" | "signal" | "disable_commands" | "pause";

/**
 * What an override is about. `device` is one record; `gateway` the gateway, and with it what goes through it;
 * `class` is `TENANT/CLASS`; `credential` a fingerprint, wherever it is listed; `rollout` a rollout id.
 */
export interface OverrideTarget {
  readonly kind: "device" | "gateway" | "tenant" | "class" | "credential" | "rollout";
  readonly id: string;
}

/** One override in force. It restricts; nothing that it says can allow anything. */
export interface Override {
  /** `o-` and the sequence at which it was set. */
  readonly id: string;
  readonly kind: OverrideKind;
  readonly target: OverrideTarget;
  /** Of a quarantine: `constrain` leaves the observable channel, `block` nothing. */
  readonly mode?: "constrain" | "block";
  /** Of a signal: its type, as playbooks name it. */
  readonly signal?: string;
  readonly reason: string;
  /** Who set it, as the service could verify. */
  readonly by: string;
  /** Unix seconds at which trust was lost: evidence must be newer to give it back. */
  readonly since: number;
  /** Unix seconds; absent: until it is lifted. */
  readonly expires_at?: number;
}

/** One act on overrides. Acts have one order, which outlives restarts. */
export interface OverrideAct {
  readonly sequence: number;
  readonly act: "set" | "lift" | "expire";
  /** Unix seconds. */
  readonly at: number;
  readonly by: string;
  readonly reason: string;
  readonly override: Override;
  /**
   * Where several nodes share overrides: whether every node has it or will when it is heard (`fleet`), or only this one,
   * until it reaches the others (`local`).
   */
  readonly scope?: "fleet" | "local";
}

/** `device:meter-001`, `class:acme/meter`... */
export function targetText({ kind, id }: OverrideTarget): string {
  return `${kind}:${id}`;
}
