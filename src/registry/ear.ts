/**
 * Attestation results as a verifier signed them: EAR (draft-ietf-rats-ear), a JWT whose submodules carry AR4SI trust
 * vectors. Verified when a record is synced; what is stored are the facts that policies read.
 */
import { createHash, createPublicKey, type JsonWebKey, type KeyObject, verify } from "node:crypto";
import type { Attestation } from "../decision/facts.ts";
import { Fault } from "../runtime/fault.ts";

/** A verifier, and the keys (a JWKS, RFC 7517) with which it signs. */
export interface EarVerifierEntry {
  /** As policies name it. */
  readonly name: string;
  readonly jwks: unknown;
}

/** Reads an EAR; throws an error that says why it is not believed. */
export type EarReader = (token: string, deviceId: string) => Attestation;

interface Key {
  readonly verifier: string;
  readonly kid: string | undefined;
  readonly alg: string | undefined;
  readonly key: KeyObject;
}

type Claims = Readonly<Record<string, unknown>>;

const profile = "tag:github.com,2023:veraison/ear";
/** JWS algorithms (RFC 7518, RFC 8037), each with the kind of key that it needs. */
const algorithms: Readonly<
  Record<
    string,
    { readonly hash: string | null; readonly type: string; readonly curve?: string; readonly pss?: true }
  >
> = {
  ES256: { hash: "sha256", type: "ec", curve: "prime256v1" },
  ES384: { hash: "sha384", type: "ec", curve: "secp384r1" },
  EdDSA: { hash: null, type: "ed25519" },
  RS256: { hash: "sha256", type: "rsa" },
  PS256: { hash: "sha256", type: "rsa", pss: true },
};
/** AR4SI tiers by name, and from what on a number is of a tier (FACTS.md, posture). */
const tiers = ["affirming", "warning", "contraindicated"] as const;
const numbered: Readonly<Record<number, Attestation["status"]>> = {
  0: "none",
  2: "affirming",
  32: "warning",
  96: "contraindicated",
};
const rsaPssPadding = 6;
const digestSalt = -1;

const isObject = (value: unknown): value is Claims =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function parsePart(part: string): Claims {
  const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
  if (!isObject(value)) throw new Error("it is no JWT");
  return value;
}

function keysOf({ jwks, name }: EarVerifierEntry): readonly Key[] {
  const keys = isObject(jwks) ? jwks["keys"] : undefined;
  if (!Array.isArray(keys) || keys.length === 0)
    throw new Fault("config_invalid", `the keys of verifier \`${name}\` are no JWKS with keys`);
  return keys.map((jwk: JsonWebKey & { kid?: string; alg?: string }) => {
    try {
      if (jwk.d !== undefined) throw new Error("it is a private key");
      return {
        verifier: name,
        kid: jwk.kid,
        alg: jwk.alg,
        key: createPublicKey({ key: jwk, format: "jwk" }),
      };
    } catch (thrown) {
      throw Fault.from(thrown, "config_invalid", `a key of verifier \`${name}\` cannot be used`);
    }
  });
}

function signedBy(
  token: string,
  keys: readonly Key[],
): { readonly verifier: string; readonly claims: Claims } {
  const parts = token.split(".");
  const [head, body, signature] = parts;
  if (parts.length !== 3 || head === undefined || body === undefined || signature === undefined)
    throw new Error("it is no JWT");
  const { alg, crit, kid } = parsePart(head);
  const algorithm = typeof alg === "string" && Object.hasOwn(algorithms, alg) ? algorithms[alg] : undefined;
  if (algorithm === undefined || crit !== undefined) throw new Error("its algorithm is not accepted");
  const { curve, hash, pss, type } = algorithm;
  for (const each of keys) {
    if (kid !== undefined && each.kid !== undefined && each.kid !== kid) continue;
    if (each.alg !== undefined && each.alg !== alg) continue;
    if (each.key.asymmetricKeyType !== type) continue;
    if (curve !== undefined && each.key.asymmetricKeyDetails?.namedCurve !== curve) continue;
    const key = {
      key: each.key,
      ...(type === "ec" ? { dsaEncoding: "ieee-p1363" as const } : {}),
      ...(pss === true ? { padding: rsaPssPadding, saltLength: digestSalt } : {}),
    };
    if (verify(hash, Buffer.from(`${head}.${body}`), key, Buffer.from(signature, "base64url")))
      return { verifier: each.verifier, claims: parsePart(body) };
  }
  throw new Error("no configured verifier has signed it");
}

function statusOf(value: unknown): Attestation["status"] {
  if (value === "none" || tiers.some((tier) => tier === value)) return value as Attestation["status"];
  const named = typeof value === "number" ? numbered[value] : undefined;
  if (named === undefined) throw new Error("`ear.status` is no trust tier");
  return named;
}

function vectorOf(value: unknown): Record<string, number> {
  if (value === undefined) return {};
  if (!isObject(value)) throw new Error("`ear.trustworthiness-vector` is no object");
  const vector: Record<string, number> = {};
  for (const [name, claim] of Object.entries(value)) {
    if (!Number.isInteger(claim) || (claim as number) < -128 || (claim as number) > 127)
      throw new Error("a trust claim is no signed byte");
    vector[name.replaceAll("-", "_")] = claim as number;
  }
  return vector;
}

/** The attested key: a certificate thumbprint (RFC 8705) or a name (RFC 7800). */
function boundKey(...claims: readonly Claims[]): string {
  for (const { cnf } of claims) {
    if (!isObject(cnf)) continue;
    const thumbprint = cnf["x5t#S256"];
    if (typeof thumbprint === "string")
      return `sha256:${Buffer.from(thumbprint, "base64url").toString("hex")}`;
    if (typeof cnf["kid"] === "string") return cnf["kid"];
  }
  return "";
}

function seconds(value: unknown, name: string): number {
  if (typeof value !== "number" || !Number.isFinite(value) || value < 0)
    throw new Error(`\`${name}\` is no time`);
  return Math.floor(value);
}

/** The appraisal of one device: the submodule of its name, or the only one. */
function appraisalOf(submods: unknown, deviceId: string): Claims {
  if (!isObject(submods)) throw new Error("it has no `submods`");
  const named = Object.hasOwn(submods, deviceId) ? submods[deviceId] : undefined;
  const all = Object.values(submods);
  const appraisal = named ?? (all.length === 1 ? all[0] : undefined);
  if (!isObject(appraisal)) throw new Error("it has no submodule for this device");
  return appraisal;
}

/** A reader of the results of these verifiers. Throws `config_invalid`. */
export function createEarReader(verifiers: readonly EarVerifierEntry[]): EarReader {
  const keys = verifiers.flatMap(keysOf);
  const known = new Map<string, { readonly id: string; readonly read: Attestation }>();
  return (token, deviceId) => {
    // A fleet is synced again and again; each token is verified once.
    const digest = createHash("sha256").update(token).digest("base64");
    const before = known.get(digest);
    if (before !== undefined && before.id === deviceId) return { ...before.read };
    const { claims, verifier } = signedBy(token, keys);
    if (claims["eat_profile"] !== profile) throw new Error(`its \`eat_profile\` is not \`${profile}\``);
    const sub = claims["sub"] ?? claims["ueid"];
    if (sub !== undefined && sub !== deviceId) throw new Error("it is about another device");
    const appraisal = appraisalOf(claims["submods"], deviceId);
    if (sub === undefined && !Object.hasOwn(claims["submods"] as object, deviceId))
      throw new Error("it does not say which device it is about: name it as `sub` or as the submodule");
    const read: Attestation = {
      status: statusOf(appraisal["ear.status"]),
      vector: vectorOf(appraisal["ear.trustworthiness-vector"]),
      verifier,
      key_fingerprint: boundKey(appraisal, claims),
      appraised_at: seconds(claims["iat"], "iat"),
      ...(claims["exp"] === undefined ? {} : { expires_at: seconds(claims["exp"], "exp") }),
    };
    if (known.size >= maxKnown) known.clear();
    known.set(digest, { id: deviceId, read });
    return { ...read };
  };
}

/** Most verified results that are remembered. */
const maxKnown = 50_000;
