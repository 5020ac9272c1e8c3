/** Salted verifiers of shared secrets: `scrypt$N$r$p$salt$hash` (RFC 7914), salt and hash in base64url. */
import { randomBytes, scrypt, scryptSync, timingSafeEqual } from "node:crypto";
import { Fault } from "../runtime/fault.ts";

/** Cost of a verifier: 16 MiB and about 50 ms. */
const cost = { N: 2 ** 14, r: 8, p: 1 } as const;
/** Most memory that one may ask for, in bytes. */
const maxMemory = 128 * 1024 * 1024;
/** Longest secret, in UTF-8 bytes. */
export const maxSecretBytes = 4096;

interface Verifier {
  readonly N: number;
  readonly r: number;
  readonly p: number;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

const shape = /^scrypt\$(\d{1,8})\$(\d{1,2})\$(\d{1,2})\$([A-Za-z0-9_-]{11,86})\$([A-Za-z0-9_-]{43,86})$/;

function parse(text: string): Verifier | undefined {
  const [, n, r, p, salt = "", hash = ""] = shape.exec(text) ?? [];
  const verifier = {
    N: Number(n),
    r: Number(r),
    p: Number(p),
    salt: Buffer.from(salt, "base64url"),
    hash: Buffer.from(hash, "base64url"),
  };
  const { N } = verifier;
  const sound =
    N >= 2 ** 10 &&
    Number.isInteger(Math.log2(N)) &&
    verifier.r >= 1 &&
    verifier.p >= 1 &&
    verifier.p <= 16 &&
    128 * N * verifier.r <= maxMemory;
  return sound ? verifier : undefined;
}

/** Stands in where there is none, so that an unknown name takes as long as a wrong secret. */
const nobody: Verifier = { ...cost, salt: randomBytes(16), hash: randomBytes(32) };

/** Whether `text` is a verifier that {@link checkSecret} can use. */
export function isVerifier(text: string): boolean {
  return parse(text) !== undefined;
}

/**
 * Makes the verifier of a secret, for its record. Takes about 50 ms.
 * @throws Fault `request_invalid` where the secret is empty, too long, or no well-formed text
 */
export function makeVerifier(secret: string): string {
  if (!isUsableSecret(secret)) {
    throw new Fault("request_invalid", `a secret must have 1 to ${maxSecretBytes} bytes of well-formed text`);
  }
  const salt = randomBytes(16);
  const hash = scryptSync(secret, salt, 32, { ...cost, maxmem: 2 * maxMemory });
  return ["scrypt", cost.N, cost.r, cost.p, salt.toString("base64url"), hash.toString("base64url")].join("$");
}

/** Whether a text may be a secret at all. */
export function isUsableSecret(secret: string): boolean {
  return secret.length > 0 && secret.isWellFormed() && Buffer.byteLength(secret) <= maxSecretBytes;
}

/**
 * Whether `secret` is the one that `verifier` was made from, in time that tells nothing about it. Without a
 * usable verifier the answer is `false`, just as late.
 */
export function checkSecret(secret: string, verifier: string | undefined): Promise<boolean> {
  const known = verifier === undefined ? undefined : parse(verifier);
  const { N, r, p, salt, hash } = known ?? nobody;
  return new Promise((resolve, reject) => {
    scrypt(secret, salt, hash.length, { N, r, p, maxmem: 2 * maxMemory }, (error, derived) => {
      if (error !== null) reject(Fault.from(error, "internal", "cannot check a secret"));
      else resolve(timingSafeEqual(derived, hash) && known !== undefined);
    });
  });
}
