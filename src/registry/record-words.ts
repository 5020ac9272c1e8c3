/**
 * The words that fields of records may have: schemas permit them, and stored rows hold their numbers.
 *
 * INVARIANT: numbers of words stand in stored rows; lists only grow at their end.
 */

/** States of a device's life. */
export const lifecycles = [
  "provisioned",
  "enrolled",
  "active",
  "quarantined",
  "safe_mode",
  "recovery",
  "eol",
  "retired",
] as const;
/** States of a credential. */
export const credentialStatuses = ["active", "superseded", "revoked"] as const;
/** How a credential proves. */
export const credentialTypes = ["x509", "jwt", "psk", "gateway_asserted", "shared_token", "claim"] as const;
/** Where a private key lives. */
export const keyProtections = ["software", "secure_element", "tpm", "tee"] as const;
/** Planes that a credential may be used on. */
export const usages = ["telemetry", "control"] as const;
/** Channels of firmware. */
export const firmwareChannels = ["production", "test", "debug"] as const;
/** AR4SI tiers. */
export const trustTiers = ["affirming", "warning", "contraindicated", "none"] as const;
/** How a quarantine holds. */
export const quarantineModes = ["constrain", "block"] as const;
/** What compliance says. */
export const complianceStatuses = ["compliant", "non_compliant", "unknown"] as const;
/** Whose word a group of facts is. */
export const factAuthors = ["device", "operator"] as const;
