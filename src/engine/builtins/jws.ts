/** Signatures of JSON Web Tokens over `node:crypto`: keys, algorithms, verification, signing. */
import {
  constants,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  type JsonWebKey,
  type KeyObject,
  sign,
  timingSafeEqual,
  verify,
  X509Certificate,
} from "node:crypto";

/** A key to verify with, and what it says it is for. */
export interface VerificationKey {
  readonly alg: string;
  readonly kid: string;
  readonly key: KeyObject;
}

/** Algorithms of RFC 7518 that OPA knows, with EdDSA of RFC 8037. */
export const algorithms: readonly string[] =
  "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 HS256 HS384 HS512 EdDSA".split(" ");

const keyType: Readonly<Record<string, string>> = {
  RS: "rsa",
  PS: "rsa",
  ES: "ec",
  HS: "secret",
  Ed: "ed25519",
};
const curves: Readonly<Record<string, string>> = {
  ES256: "prime256v1",
  ES384: "secp384r1",
  ES512: "secp521r1",
};

const fits = (alg: string, key: KeyObject): boolean =>
  keyType[alg.slice(0, 2)] === (key.type === "secret" ? "secret" : key.asymmetricKeyType);

const hashOf = (alg: string): string => `sha${alg.slice(2)}`;

/** Whether a signature holds; a key of another kind holds nothing. */
export function holds(alg: string, key: KeyObject, signed: string, signature: Buffer): boolean {
  if (!algorithms.includes(alg) || !fits(alg, key)) return false;
  if (alg.startsWith("HS")) {
    const expected = createHmac(hashOf(alg), key).update(signed).digest();
    return expected.length === signature.length && timingSafeEqual(expected, signature);
  }
  const data = Buffer.from(signed);
  if (alg === "EdDSA") return verify(null, data, key, signature);
  if (alg.startsWith("ES")) return verify(hashOf(alg), data, { key, dsaEncoding: "ieee-p1363" }, signature);
  return verify(hashOf(alg), data, { key, ...padding(alg) }, signature);
}

const padding = (alg: string): { padding: number; saltLength?: number } =>
  alg.startsWith("PS")
    ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO }
    : { padding: constants.RSA_PKCS1_PADDING };

/**
 * Signs. ECDSA and PSS signatures differ from call to call, which the builtin's caller has to know.
 * @throws where the key is not one for the algorithm
 */
export function signJws(alg: string, jwk: Record<string, unknown>, signed: string): Buffer {
  if (!algorithms.includes(alg)) throw new TypeError("an unknown algorithm");
  const data = Buffer.from(signed);
  if (alg.startsWith("HS")) {
    if (jwk["kty"] !== "oct" || typeof jwk["k"] !== "string" || jwk["k"] === "")
      throw new TypeError("not a symmetric key");
    return createHmac(hashOf(alg), Buffer.from(jwk["k"], "base64url")).update(data).digest();
  }
  const key = createPrivateKey({ key: jwk as JsonWebKey, format: "jwk" });
  if (!fits(alg, key)) throw new TypeError("a key of another kind");
  if (alg === "EdDSA") return sign(null, data, key);
  if (alg.startsWith("ES")) {
    if (key.asymmetricKeyDetails?.namedCurve !== curves[alg]) throw new TypeError("another curve");
    return sign(hashOf(alg), data, { key, dsaEncoding: "ieee-p1363" });
  }
  const salt = alg.startsWith("PS") ? { saltLength: constants.RSA_PSS_SALTLEN_DIGEST } : {};
  return sign(hashOf(alg), data, { key, ...padding(alg), ...salt });
}

/** Keys of a PEM certificate, a PEM public key, a JWK or a set of them. @throws for anything else */
export function verificationKeys(source: string): readonly VerificationKey[] {
  const pem = /-----BEGIN ([A-Z ]+)-----[\s\S]+?-----END \1-----\r?\n?/.exec(source);
  if (pem !== null) {
    if (source.slice(pem.index + pem[0].length) !== "") throw new TypeError("extra data after the PEM block");
    if (pem[1] === "CERTIFICATE") return [{ alg: "", kid: "", key: new X509Certificate(pem[0]).publicKey }];
    if (pem[1] === "PUBLIC KEY") return [{ alg: "", kid: "", key: createPublicKey(pem[0]) }];
    throw new TypeError("neither a certificate nor a public key");
  }
  const parsed = JSON.parse(source) as Record<string, unknown>;
  const list = (Array.isArray(parsed["keys"]) ? parsed["keys"] : [parsed]) as Record<string, unknown>[];
  return list
    .map((jwk) => ({ alg: said(jwk["alg"]), kid: said(jwk["kid"]), key: keyOf(jwk) }))
    .filter(({ alg }) => alg === "" || algorithms.includes(alg));
}

const said = (value: unknown): string => (typeof value === "string" ? value : "");

function keyOf(jwk: Record<string, unknown>): KeyObject {
  if (jwk["kty"] === "oct") return createSecretKey(Buffer.from(String(jwk["k"]), "base64url"));
  return createPublicKey({ key: jwk as JsonWebKey, format: "jwk" });
}
