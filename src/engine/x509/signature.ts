/** Algorithms of signatures by Go's numbers, and whether a signature holds. */
import { constants, createPublicKey, type KeyObject, verify } from "node:crypto";
import { DerReader, type Element, readOid, readOnly, tags } from "../../runtime/der.ts";
import { readNumber } from "./asn1.ts";

const rsa = "1.2.840.113549.1.1";
const ecdsa = "1.2.840.10045.4";
const sha = "2.16.840.1.101.3.4.2";
const ed25519 = "1.3.101.112";

/** Those with MD2, MD5, SHA-1 and DSA are told, never believed. */
const byOid: Readonly<Record<string, number>> = {
  [`${rsa}.4`]: 2,
  [`${rsa}.5`]: 3,
  "1.3.14.3.2.29": 3,
  [`${rsa}.11`]: 4,
  [`${rsa}.12`]: 5,
  [`${rsa}.13`]: 6,
  "1.2.840.10040.4.3": 7,
  "2.16.840.1.101.3.4.3.2": 8,
  [`${ecdsa}.1`]: 9,
  [`${ecdsa}.3.2`]: 10,
  [`${ecdsa}.3.3`]: 11,
  [`${ecdsa}.3.4`]: 12,
  [ed25519]: 16,
};

/** An AlgorithmIdentifier: its OID and its parameters, which may be absent. */
function identifier(bytes: Uint8Array): { oid: string; parameters: Element | undefined } {
  const reader = new DerReader(bytes);
  return { oid: readOid(reader.next(tags.oid)), parameters: reader.done ? undefined : reader.next() };
}

const isNothing = (element: Element | undefined): boolean =>
  element === undefined || Buffer.from(element.whole).equals(Buffer.from([0x05, 0x00]));

/** RSA-PSS (RFC 4055) where one hash is used throughout and the salt is as long as it; else 0. */
function pss(parameters: Element): number {
  const reader = new DerReader(readOnly(parameters.whole, tags.sequence).value);
  const inside = (tag: number): Uint8Array => readOnly(reader.next(tag).value, tags.sequence).value;
  const hash = identifier(inside(0xa0));
  const mgf = identifier(inside(0xa1));
  const salt = readNumber(readOnly(reader.next(0xa2).value, tags.integer));
  const trailer = reader.optional(0xa3);
  if (mgf.oid !== `${rsa}.8` || mgf.parameters === undefined) return 0;
  if (trailer !== undefined && readNumber(readOnly(trailer.value, tags.integer)) !== 1) return 0;
  const inner = identifier(readOnly(mgf.parameters.whole, tags.sequence).value);
  if (!isNothing(hash.parameters) || !isNothing(inner.parameters) || inner.oid !== hash.oid) return 0;
  const at = [1, 2, 3].find((each) => hash.oid === `${sha}.${each}` && salt === 16 + 16 * each);
  return at === undefined ? 0 : 12 + at;
}

/** Go's number of the algorithm that an AlgorithmIdentifier (its contents) names; 0: unknown. */
export function readSignatureAlgorithm(bytes: Uint8Array): number {
  const { oid, parameters } = identifier(bytes);
  if (oid === ed25519 && parameters !== undefined) return 0;
  if (oid !== `${rsa}.10`) return byOid[oid] ?? 0;
  try {
    return parameters === undefined ? 0 : pss(parameters);
  } catch {
    return 0;
  }
}

const keyTypes: Readonly<Record<number, string>> = { 16: "ed25519", 10: "ec", 11: "ec", 12: "ec" };
const hashes: readonly string[] = ["sha256", "sha384", "sha512"];

/** Whether `key` made a signature. Weak algorithms and RSA keys below 1024 bits never did. */
function madeBy(key: KeyObject, algorithm: number, signed: Uint8Array, signature: Uint8Array): boolean {
  if (key.asymmetricKeyType !== (keyTypes[algorithm] ?? "rsa")) return false;
  if (algorithm === 16) return verify(null, signed, key, signature);
  const hash = [4, 10, 13].map((first) => hashes[algorithm - first]).find((each) => each !== undefined);
  if (hash === undefined || (key.asymmetricKeyDetails?.modulusLength ?? 1024) < 1024) return false;
  const padding =
    algorithm >= 13
      ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
      : {};
  return verify(hash, signed, { key, ...padding }, signature);
}

/** Whether the key of a SubjectPublicKeyInfo made a signature by one of Go's algorithms. */
export function holds(
  spki: Uint8Array,
  algorithm: number,
  signed: Uint8Array,
  signature: Uint8Array,
): boolean {
  try {
    const key = createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
    return madeBy(key, algorithm, signed, signature);
  } catch {
    return false;
  }
}
