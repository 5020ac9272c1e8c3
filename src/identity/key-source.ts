/** Public keys that sign tokens. */
import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";
import { Fault } from "../runtime/fault.ts";

/** Finds the key that a token names. */
export type KeySource = JWTVerifyGetKey;

/** Signature algorithms of tokens: asymmetric ones only, so that no verifier's key can sign. */
export const tokenAlgorithms: readonly string[] = [
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
  "PS256",
  "PS384",
  "PS512",
  "RS256",
  "RS384",
  "RS512",
];

function isKeySet(given: unknown): given is JSONWebKeySet {
  const keys = (given as { keys?: unknown } | null)?.keys;
  return Array.isArray(keys) && keys.every((key) => typeof key === "object" && key !== null);
}

/** Opens a JWKS (RFC 7517). Throws `config_invalid` where it is none, is empty, or holds a secret or private key. */
export function keysOf(jwks: unknown): KeySource {
  if (!isKeySet(jwks) || jwks.keys.length === 0) {
    throw new Fault("config_invalid", "the key set is no JWKS with at least one key");
  }
  if (jwks.keys.some((key) => key.kty === "oct" || "d" in key)) {
    throw new Fault("config_invalid", "the key set holds a secret or private key: give public keys only");
  }
  try {
    return createLocalJWKSet(jwks);
  } catch (thrown) {
    throw Fault.from(thrown, "config_invalid", "the key set cannot be read");
  }
}
