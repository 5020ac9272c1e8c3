/** Public keys as Go's structures tell them. */
import { createPublicKey } from "node:crypto";
import { DerReader, malformed, readOid, tags } from "../../runtime/der.ts";
import { readInteger, readRightAligned } from "./asn1.ts";

/** Go's numbers of the algorithms; 0 is one that it does not know. */
export const keyAlgorithms = { unknown: 0, rsa: 1, dsa: 2, ecdsa: 3, ed25519: 4 } as const;

const byOid: Readonly<Record<string, number>> = {
  "1.2.840.113549.1.1.1": keyAlgorithms.rsa,
  "1.2.840.10040.4.1": keyAlgorithms.dsa,
  "1.2.840.10045.2.1": keyAlgorithms.ecdsa,
  "1.3.101.112": keyAlgorithms.ed25519,
};
/** P-224, P-256, P-384, P-521: the curve and the size of a coordinate. */
const curves: Readonly<Record<string, number>> = {
  "1.3.132.0.33": 28,
  "1.2.840.10045.3.1.7": 32,
  "1.3.132.0.34": 48,
  "1.3.132.0.35": 66,
};
const asn1Null = Buffer.from([0x05, 0x00]);

/** A key's algorithm, and what Go says about it: null where the algorithm is unknown. */
export interface PublicKey {
  readonly algorithm: number;
  readonly told: unknown;
}

const positive = (value: bigint): bigint => {
  if (value <= 0n) throw malformed();
  return value;
};

function rsa(parameters: Uint8Array, data: Uint8Array): unknown {
  if (!asn1Null.equals(parameters)) throw malformed();
  const reader = new DerReader(new DerReader(data).next(tags.sequence).value);
  const N = positive(readInteger(reader.next(tags.integer)));
  const E = positive(readInteger(reader.next(tags.integer)));
  if (E >= 2n ** 63n) throw malformed();
  return { N, E };
}

function dsa(parameters: Uint8Array, data: Uint8Array): unknown {
  const reader = new DerReader(new DerReader(parameters).next(tags.sequence).value);
  const whole = (): bigint => positive(readInteger(reader.next(tags.integer)));
  return {
    P: whole(),
    Q: whole(),
    G: whole(),
    Y: positive(readInteger(new DerReader(data).next(tags.integer))),
  };
}

function ecdsa(parameters: Uint8Array, data: Uint8Array, spki: Uint8Array): unknown {
  const size = curves[readOid(new DerReader(parameters).next(tags.oid))] ?? 0;
  if (size === 0 || data.length !== 1 + 2 * size || data[0] !== 4) throw malformed();
  createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" }); // the point is on the curve
  const whole = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
  return { Curve: {}, X: whole(data.subarray(1, 1 + size)), Y: whole(data.subarray(1 + size)) };
}

/** Reads a SubjectPublicKeyInfo. */
export function readPublicKey(spki: Uint8Array): PublicKey {
  const reader = new DerReader(new DerReader(spki).next(tags.sequence).value);
  const identifier = new DerReader(reader.next(tags.sequence).value);
  const algorithm = byOid[readOid(identifier.next(tags.oid))] ?? keyAlgorithms.unknown;
  const parameters = identifier.done ? new Uint8Array() : identifier.next().whole;
  const data = readRightAligned(reader.next(tags.bitString));
  switch (algorithm) {
    case keyAlgorithms.rsa:
      return { algorithm, told: rsa(parameters, data) };
    case keyAlgorithms.dsa:
      return { algorithm, told: dsa(parameters, data) };
    case keyAlgorithms.ecdsa:
      return { algorithm, told: ecdsa(parameters, data, spki) };
    case keyAlgorithms.ed25519:
      if (parameters.length !== 0 || data.length !== 32) throw malformed();
      return { algorithm, told: data };
    default:
      return { algorithm, told: null };
  }
}
