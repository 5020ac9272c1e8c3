/** Signed tokens for tests. */
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";

/** An issuer with one key. */
export interface TokenIssuer {
  readonly jwks: { readonly keys: readonly object[] };
  /** Signs claims; `header` adds to or replaces members of the protected header. */
  sign(claims: JWTPayload, header?: Record<string, unknown>): Promise<string>;
}

/** Makes an issuer whose key is named `kid`. */
export async function makeIssuer(kid: string, alg = "ES256"): Promise<TokenIssuer> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid, alg };
  return {
    jwks: { keys: [jwk] },
    sign: (claims, header = {}) =>
      new SignJWT(claims).setProtectedHeader({ alg, kid, ...header }).sign(privateKey),
  };
}
