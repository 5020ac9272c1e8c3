/** Errors: what could not be done. Denials are not errors; they are values. */

/** Every fault this program can raise, with whether trying again may help. `docs/errors.md` lists the same table. */
export const faultCodes = {
  config_invalid: { retryable: false, meaning: "a configuration file, variable or flag is wrong" },
  bundle_invalid: {
    retryable: false,
    meaning: "a policy bundle cannot be read or does not fit this service",
  },
  bundle_untrusted: {
    retryable: false,
    meaning: "a policy bundle is not signed and approved by the keys that must stand behind it",
  },
  bundle_outdated: { retryable: false, meaning: "a policy bundle is older than one that was in force" },
  bundle_unfit: {
    retryable: false,
    meaning: "a policy bundle fails its own cases, its budget or the comparison with live questions",
  },
  bundle_unreachable: { retryable: true, meaning: "a bundle server cannot be reached or answers wrongly" },
  bundle_unkept: { retryable: true, meaning: "the last known good policy bundle cannot be kept or read" },
  keyset_invalid: { retryable: false, meaning: "a keyset or a key of it cannot be used" },
  bundle_missing: { retryable: true, meaning: "no policy bundle is there yet" },
  policy_trap: { retryable: true, meaning: "a policy evaluation aborted" },
  input_invalid: { retryable: false, meaning: "a policy input is malformed or too large" },
  record_invalid: { retryable: false, meaning: "a registry record is malformed" },
  source_unavailable: { retryable: true, meaning: "a registry source cannot be read" },
  snapshot_refused: {
    retryable: true,
    meaning: "a registry snapshot is incomplete or would lose too many records",
  },
  store_unavailable: { retryable: true, meaning: "the record store cannot be opened, read or written" },
  proof_invalid: { retryable: false, meaning: "a certificate, token or secret does not prove an identity" },
  peer_unknown: { retryable: false, meaning: "no peer entry matches the caller" },
  peer_forbidden: { retryable: false, meaning: "the peer's entry does not permit this call" },
  request_invalid: { retryable: false, meaning: "a request is malformed" },
  limit_exceeded: { retryable: false, meaning: "a message, list or identifier is larger than the limit" },
  overloaded: { retryable: true, meaning: "the service is shedding load" },
  not_found: { retryable: false, meaning: "the thing asked for does not exist" },
  evidence_required: {
    retryable: false,
    meaning: "trust cannot be given back without evidence newer than its loss",
  },
  not_ready: { retryable: true, meaning: "the service has no bundle or no facts in force yet" },
  unreachable: { retryable: true, meaning: "the service cannot be reached" },
  deadline_exceeded: { retryable: true, meaning: "the answer did not arrive in time" },
  tls_invalid: { retryable: false, meaning: "a key or certificate file cannot be used" },
  address_unusable: { retryable: false, meaning: "a listener cannot be opened at the configured address" },
  policy_invalid: {
    retryable: false,
    meaning: "a policy project, its sources or its decision tables are wrong",
  },
  tool_missing: { retryable: false, meaning: "a program that the command needs is not there" },
  internal: { retryable: true, meaning: "a fault of this program" },
} as const;

/** Code of a {@link Fault}. */
export type FaultCode = keyof typeof faultCodes;

/**
 * The one error class. Messages are lower case, say what was wrong and what to do, put user input in
 * backticks, and never hold a secret or a type name.
 */
export class Fault extends Error {
  override readonly name = "Fault";
  readonly code: FaultCode;

  constructor(code: FaultCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }

  /** Whether the same call may succeed later. */
  get retryable(): boolean {
    return faultCodes[this.code].retryable;
  }

  /** The single way in from foreign throws: keeps a fault, wraps anything else (thrown strings included). */
  static from(thrown: unknown, code: FaultCode, doing: string): Fault {
    if (thrown instanceof Fault) return thrown;
    const detail =
      thrown instanceof Error ? thrown.message : typeof thrown === "string" ? thrown : "unknown error";
    return new Fault(code, `${doing}: ${detail}`, { cause: thrown });
  }
}
