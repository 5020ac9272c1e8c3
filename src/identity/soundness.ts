/** Which keys and signatures are worth believing. */
import type { KeyObject } from "node:crypto";
import { DerReader, readOid, readOnly, tags } from "../runtime/der.ts";

const signatures: ReadonlySet<string> = new Set([
  "1.2.840.113549.1.1.11", // RSA PKCS#1 with SHA-256, 384, 512
  "1.2.840.113549.1.1.12",
  "1.2.840.113549.1.1.13",
  "1.2.840.10045.4.3.2", // ECDSA with SHA-256, 384, 512
  "1.2.840.10045.4.3.3",
  "1.2.840.10045.4.3.4",
  "1.3.101.112", // Ed25519
  "1.3.101.113", // Ed448
]);
const rsaPss = "1.2.840.113549.1.1.10";
/** SHA-256, 384, 512. */
const digests: ReadonlySet<string> = new Set([1, 2, 3].map((n) => `2.16.840.1.101.3.4.2.${n}`));
const curves: ReadonlySet<string> = new Set(["prime256v1", "secp384r1", "secp521r1"]);

/** Whether an AlgorithmIdentifier (its contents) names a signature without SHA-1, MD5 and the like. */
export function isSoundSignature(algorithm: Uint8Array): boolean {
  const reader = new DerReader(algorithm);
  const id = readOid(reader.next(tags.oid));
  if (id !== rsaPss) return signatures.has(id);
  // RFC 4055, 3.1: where the hash is left out it is SHA-1.
  const named = new DerReader(reader.next(tags.sequence).value).optional(0xa0);
  if (named === undefined) return false;
  return digests.has(readOid(new DerReader(readOnly(named.value, tags.sequence).value).next(tags.oid)));
}

/** Whether a public key is strong, of a known kind, and cheap enough to verify with. */
export function isSoundKey(key: KeyObject): boolean {
  const details = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case "rsa":
    case "rsa-pss": {
      const { modulusLength = 0, publicExponent = 0n } = details;
      return modulusLength >= 2048 && modulusLength <= 8192 && publicExponent < 2n ** 33n;
    }
    case "ec":
      return curves.has(details.namedCurve ?? "");
    case "ed25519":
    case "ed448":
      return true;
    default:
      return false;
  }
}
