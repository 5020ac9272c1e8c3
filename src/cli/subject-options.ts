/** Options that say which device asks and how it proves that it is that device. */
import type { Command } from "commander";

/** What the options hold. */
export interface SubjectFlags {
  readonly as?: string;
  readonly fingerprint?: string;
  readonly tenant?: string;
  readonly trustDomain?: string;
  readonly notBefore?: string;
  readonly notAfter?: string;
  readonly device?: string;
  readonly clientId?: string;
  readonly certChain?: string;
  readonly jwt?: string;
  readonly secretName?: string;
  readonly secret?: string;
  readonly assert?: string;
  readonly via?: string;
  readonly viaCertChain?: string;
  readonly viaJwt?: string;
  readonly viaAssert?: string;
}

/** Adds the options to `command`. */
export function withSubject(command: Command): Command {
  return command
    .optionsGroup("Who asks:")
    .option("--device <id>", "device id; also the client id, unless --client-id says otherwise")
    .option("--client-id <id>", "MQTT client id or the like, where it is not the device id")
    .optionsGroup("Proof (one of --cert-chain, --jwt, --secret, --assert, --as):")
    .option("--cert-chain <file>", "PEM certificate chain, leaf first")
    .option("--jwt <token>", "compact JWS, or @FILE that holds it")
    .option("--secret <@file>", "shared secret in a file, @- for standard input")
    .option("--secret-name <name>", "name that goes with --secret; absent: the device id")
    .option(
      "--assert <pairs>",
      "credential that this caller vouches for: type=, trust_domain=, device_id=, tenant=, fingerprint=, " +
        "not_before=, not_after=, key_protection=, usage=, claim_devices=, claim_single_use=, claim_used=",
    )
    .option(
      "--as <device>",
      "vouch for this device's registered credential; what is not given below is looked up in the registry",
    )
    .option(
      "--fingerprint <fp>",
      "with --as: fingerprint of the credential; absent: the active one bound last",
    )
    .option("--tenant <id>", "with --as: tenant in the credential")
    .option("--trust-domain <name>", "with --as: trust domain of the credential")
    .option("--not-before <time>", "with --as: start of its validity; absent: a day ago")
    .option("--not-after <time>", "with --as: end of its validity; absent: in 30 days")
    .optionsGroup("Gateway:")
    .option("--via <gateway>", "gateway that carries the traffic of --device")
    .option(
      "--via-cert-chain <file>",
      "the gateway's own proof, as --cert-chain; without one, this caller vouches",
    )
    .option("--via-jwt <token>", "the gateway's own proof, as --jwt")
    .option("--via-assert <pairs>", "the gateway's own proof, as --assert");
}
