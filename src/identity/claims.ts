/** Tokens (RFC 7515, 7519): the signature that is proven, and claims read with distrust. */
import { compactVerify, decodeJwt, errors } from "jose";
import { Fault } from "../runtime/fault.ts";
import { type KeySource, tokenAlgorithms } from "./key-source.ts";

/** The end of the year 9999. */
const maxTime = 253_402_300_799;

/** Claims of a token; nothing is known of their types. */
export type Claims = Readonly<Record<string, unknown>>;

/** A token whose signature holds. */
export interface Verified {
  readonly claims: Claims;
  /** Key that it says it was signed with; empty: none. */
  readonly kid: string;
}

/** Who must have issued a token, and for whom. */
export interface Expected {
  readonly issuer: string;
  readonly audience: string;
}

/** A refusal. */
export function refuseToken(why: string): Fault {
  return new Fault("proof_invalid", why);
}

/** The `iss` that a token claims; not to be believed. Throws `proof_invalid` where it is no token at all. */
export function claimedIssuer(token: string): unknown {
  try {
    return decodeJwt(token).iss;
  } catch {
    throw refuseToken("the token is not a signed JWT");
  }
}

function isFor(claims: Claims, { issuer, audience }: Expected): boolean {
  const given = claims["aud"];
  return claims["iss"] === issuer && (Array.isArray(given) ? given.includes(audience) : given === audience);
}

/**
 * Verifies signature, issuer and audience; says nothing about time.
 * @throws Fault `proof_invalid`
 */
export async function verifyToken(token: string, keys: KeySource, expected: Expected): Promise<Verified> {
  let claims: unknown;
  let kid: unknown;
  try {
    const { payload, protectedHeader } = await compactVerify(token, keys, {
      algorithms: [...tokenAlgorithms],
    });
    // RFC 7797, 7: a JWT has no unencoded payload.
    claims = protectedHeader.b64 === false ? undefined : JSON.parse(new TextDecoder().decode(payload));
    kid = protectedHeader.kid;
  } catch (thrown) {
    throw refuseToken(
      thrown instanceof errors.JWKSNoMatchingKey
        ? "the token names a key that its issuer does not have"
        : thrown instanceof errors.JOSEAlgNotAllowed
          ? "the token is signed with an algorithm that is not accepted"
          : thrown instanceof errors.JWSSignatureVerificationFailed
            ? "the signature of the token is wrong"
            : "the token cannot be verified",
    );
  }
  if (!isObject(claims)) throw refuseToken("the token holds no claims");
  if (!isFor(claims, expected)) throw refuseToken("the token is from another issuer or for another audience");
  return { claims, kid: typeof kid === "string" ? kid : "" };
}

function isObject(value: unknown): value is Claims {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A claim that must be text where it is present. */
export function textClaim(claims: Claims, name: string): string | undefined {
  const value = claims[name];
  if (value === undefined) return undefined;
  if (typeof value !== "string") throw refuseToken(`the claim \`${name}\` of the token is not text`);
  return value;
}

/** A claim that must be a time where it is present, in whole unix seconds. */
export function timeClaim(claims: Claims, name: string): number | undefined {
  const value = claims[name];
  if (value === undefined) return undefined;
  if (typeof value !== "number" || !(value >= 0 && value <= maxTime)) {
    throw refuseToken(`the claim \`${name}\` of the token is not a time`);
  }
  return Math.floor(value);
}

/** A claim that must be a list of texts where it is present; at most 64. */
export function textsClaim(claims: Claims, name: string): readonly string[] {
  const value = claims[name] ?? [];
  if (!Array.isArray(value) || value.length > 64 || !value.every((each) => typeof each === "string")) {
    throw refuseToken(`the claim \`${name}\` of the token is not a list of texts`);
  }
  return value;
}

/** A claim that must be an object where it is present. */
export function objectClaim(claims: Claims, name: string): Claims | undefined {
  const value = claims[name];
  if (value === undefined) return undefined;
  if (!isObject(value)) throw refuseToken(`the claim \`${name}\` of the token is not an object`);
  return value;
}
