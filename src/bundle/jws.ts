/** Compact JSON Web Signatures (RFC 7515) by asymmetric keys: what `.signatures.json` and approvals are made of. */
import { constants, type KeyObject, sign, verify } from "node:crypto";
import { Fault } from "../runtime/fault.ts";

interface Scheme {
  readonly hash: string | null;
  readonly type: "rsa" | "ec" | "ed25519";
  readonly curve?: string;
  readonly pss?: true;
}

/**
 * Algorithms that OPA knows as well, but for HS*: whoever can check a shared secret can also sign with it, and then
 * no signature says who signed.
 */
const schemes: Readonly<Record<string, Scheme>> = {
  EdDSA: { hash: null, type: "ed25519" },
  RS256: { hash: "sha256", type: "rsa" },
  RS384: { hash: "sha384", type: "rsa" },
  RS512: { hash: "sha512", type: "rsa" },
  PS256: { hash: "sha256", type: "rsa", pss: true },
  PS384: { hash: "sha384", type: "rsa", pss: true },
  PS512: { hash: "sha512", type: "rsa", pss: true },
  ES256: { hash: "sha256", type: "ec", curve: "prime256v1" },
  ES384: { hash: "sha384", type: "ec", curve: "secp384r1" },
  ES512: { hash: "sha512", type: "ec", curve: "secp521r1" },
};

/** Shortest RSA modulus that counts, in bits. */
const leastRsaBits = 2048;

/** A token that was taken apart; nothing in it counts before {@link verifiedBy}. */
export interface Jws {
  readonly algorithm: string;
  readonly keyId: string | undefined;
  readonly type: string | undefined;
  readonly payload: unknown;
  readonly signed: string;
  readonly signature: Uint8Array;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

/** Whether a key fits an algorithm; keys of another kind never verify, whatever a header says. */
function fits(key: KeyObject, { type, curve }: Scheme): boolean {
  const details = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType !== type) return false;
  if (type === "rsa") return (details.modulusLength ?? 0) >= leastRsaBits;
  return curve === undefined || details.namedCurve === curve;
}

/** The algorithm that a key signs with where none is asked for. Throws `keyset_invalid`. */
export function algorithmOf(key: KeyObject): string {
  const found = Object.entries(schemes).find(([, scheme]) => fits(key, scheme));
  if (found !== undefined) return found[0];
  throw new Fault(
    "keyset_invalid",
    "the key cannot sign bundles: use Ed25519, an RSA key of 2048 bits or more, or P-256, P-384, P-521",
  );
}

/** Takes a compact JWS apart. Throws `bundle_untrusted` where it is none. */
export function parseJws(token: string): Jws {
  const parts = token.split(".");
  const [head = "", body = "", signature = ""] = parts;
  try {
    if (parts.length !== 3 || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) throw new Error("not three parts");
    const header: unknown = JSON.parse(Buffer.from(head, "base64url").toString("utf8"));
    // RFC 7515, 4.1.11: what `crit` names must be understood, and nothing is.
    if (!isObject(header) || header["crit"] !== undefined) throw new Error("its header cannot be used");
    return {
      algorithm: text(header["alg"]) ?? "none",
      keyId: text(header["kid"]),
      type: text(header["typ"]),
      payload: JSON.parse(Buffer.from(body, "base64url").toString("utf8")) as unknown,
      signed: `${head}.${body}`,
      signature: Buffer.from(signature, "base64url"),
    };
  } catch (thrown) {
    throw Fault.from(thrown, "bundle_untrusted", "a signature is no compact JWS");
  }
}

/** Whether a token was signed by the owner of `key`, with an algorithm that fits the key. */
export function verifiedBy(jws: Jws, key: KeyObject): boolean {
  const scheme = Object.hasOwn(schemes, jws.algorithm) ? schemes[jws.algorithm] : undefined;
  if (scheme === undefined || !fits(key, scheme)) return false;
  try {
    return verify(scheme.hash, Buffer.from(jws.signed), parameters(key, scheme), jws.signature);
  } catch {
    return false;
  }
}

/**
 * Signs a payload. The same payload gives the same token with Ed25519 and RS*; with ES* and PS* each differs.
 * @throws Fault `keyset_invalid`
 */
export function signJws(payload: unknown, key: KeyObject, keyId: string, type: string): string {
  const algorithm = algorithmOf(key);
  const scheme = schemes[algorithm] as Scheme;
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${part({ alg: algorithm, typ: type, kid: keyId })}.${part(payload)}`;
  return `${signed}.${sign(scheme.hash, Buffer.from(signed), parameters(key, scheme)).toString("base64url")}`;
}

function parameters(key: KeyObject, { pss }: Scheme) {
  return {
    key,
    dsaEncoding: "ieee-p1363" as const,
    ...(pss === true
      ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
      : {}),
  };
}
