/** `io.jwt.*`, with OPA's rules of what counts as verified. */
import { createSecretKey } from "node:crypto";
import { compareNums, doubleOf } from "../numeral.ts";
import { jsonText, parseTerm, type Term } from "../term.ts";
import type { Builtin, BuiltinTable, EvaluationContext } from "./builtin.ts";
import { algorithms, holds, signJws, type VerificationKey, verificationKeys } from "./jws.ts";
import { isArray, isMap, isNum, map, num, type TermMap, text } from "./operands.ts";
import { decisionTime } from "./time.ts";

interface Token {
  readonly signed: string;
  readonly header: TermMap;
  readonly payload: string;
  readonly signature: Buffer;
}

/** @throws TypeError for what is not base64url, padded or not */
function bytes(part: string): Buffer {
  const bare = part.replace(/={1,2}$/, "");
  const padded = bare !== part;
  if (!/^[A-Za-z0-9_-]*$/.test(bare) || bare.length % 4 === 1 || (padded && part.length % 4 !== 0)) {
    throw new TypeError("not base64url");
  }
  return Buffer.from(bare, "base64url");
}

/** The JSON object that a text is. JSON's own parser proves it; Rego's keeps its numbers. */
function object(json: string): TermMap {
  JSON.parse(json);
  return map(parseTerm(json));
}

function parse(token: string): Token {
  const parts = token.split(".");
  if (parts.length !== 3) throw new TypeError("a token has three parts");
  const [head, payload, signature] = parts as [string, string, string];
  const header = object(bytes(head).toString());
  if (header.has("enc")) throw new TypeError("encrypted tokens are not supported");
  return {
    signed: `${head}.${payload}`,
    header,
    payload: bytes(payload).toString(),
    signature: bytes(signature),
  };
}

const field = (header: TermMap, name: string): string => {
  const value = header.get(name);
  return value === undefined ? "" : text(value);
};

const known = ["alg", "kid", "typ", "cty", "crit"];

function sound(header: TermMap): boolean {
  const crit = header.get("crit");
  if (crit !== undefined && (!isArray(crit) || crit.length === 0))
    throw new TypeError("crit is a list of strings");
  const demanded = crit === undefined ? [] : (crit as readonly Term[]).map(text);
  return field(header, "alg") !== "" && !demanded.some((name) => header.has(name) && !known.includes(name));
}

/** Tries the key that the header names, else each one that may be meant. */
function verified(keys: readonly VerificationKey[], alg: string, token: Token): boolean {
  const kid = field(token.header, "kid");
  const named = kid === "" ? undefined : keys.find((key) => key.kid === kid);
  if (named !== undefined) return holds(alg, named.key, token.signed, token.signature);
  const claimed = field(token.header, "alg");
  return keys.some(
    (key) => (key.alg === "" || key.alg === claimed) && holds(alg, key.key, token.signed, token.signature),
  );
}

const verifyWithKeys =
  (alg: string): Builtin =>
  (token, keys) => {
    const parsed = parse(text(token));
    const candidates = verificationKeys(text(keys));
    // The curve decides the algorithm of an ECDSA key; OPA's builtins only choose the hash.
    return verified(candidates, alg, parsed);
  };

const verifyWithSecret =
  (alg: string): Builtin =>
  (token, secret) => {
    const parts = text(token).split(".");
    if (parts.length !== 3) throw new TypeError("a token has three parts");
    const key = createSecretKey(Buffer.from(text(secret)));
    return holds(alg, key, `${parts[0]}.${parts[1]}`, bytes(parts[2] as string));
  };

function decode(token: string): Term {
  const { header, payload, signature } = parse(token);
  if (header.get("cty") === "JWT") return decode(payload.replace(/^["']+|["']+$/g, ""));
  return [header, object(payload), signature.toString("hex")];
}

interface Constraints {
  readonly keys: readonly VerificationKey[] | undefined;
  readonly alg: string;
  readonly iss: string;
  readonly aud: string;
  /** Nanoseconds. */
  readonly time: number;
}

function constraints(term: Term | undefined, context: EvaluationContext): Constraints {
  const given = map(term);
  for (const key of given.keys()) {
    if (!["cert", "secret", "alg", "iss", "aud", "time"].includes(text(key)))
      throw new TypeError("an unknown constraint");
  }
  const of = (name: string): string => (given.has(name) ? text(given.get(name)) : "");
  const [cert, secret] = [of("cert"), of("secret")];
  if (given.has("cert") === (secret !== "")) throw new TypeError("one of cert and secret");
  const time = given.has("time") ? doubleOf(num(given.get("time"))) : Number(decisionTime(context));
  if (!(time >= 0)) throw new TypeError("a time is a number from zero on");
  const keys =
    secret === ""
      ? verificationKeys(cert)
      : [{ alg: "", kid: "", key: createSecretKey(Buffer.from(secret)) }];
  return { keys, alg: of("alg"), iss: of("iss"), aud: of("aud"), time };
}

const unverified = (): Term => [false, new Map(), new Map()];

function rightAudience(aud: Term | undefined, wanted: string): boolean {
  if (aud === undefined) return wanted === "";
  return typeof aud === "string" ? aud === wanted : isArray(aud) && aud.includes(wanted);
}

/** @throws TypeError for a claim of another type */
function inTime(payload: TermMap, time: number): boolean {
  const [exp, nbf] = [payload.get("exp"), payload.get("nbf")];
  if (exp !== undefined && !isNum(exp)) throw new TypeError("exp is a number");
  if (exp !== undefined && compareNums(time / 1e9, exp) >= 0) return false;
  if (nbf !== undefined && !isNum(nbf)) throw new TypeError("nbf is a number");
  return nbf === undefined || compareNums(time / 1e9, nbf) >= 0;
}

const decodeVerify =
  (context: EvaluationContext): Builtin =>
  (token, wanted) => {
    const rules = constraints(wanted, context);
    let parsed = parse(text(token));
    for (;;) {
      const alg = field(parsed.header, "alg");
      if (!sound(parsed.header) || (rules.alg !== "" && rules.alg !== alg)) return unverified();
      if (!verified(rules.keys ?? [], alg, parsed)) return unverified();
      if (field(parsed.header, "cty").toUpperCase() !== "JWT") break;
      parsed = parse(parsed.payload);
    }
    const payload = object(parsed.payload);
    if (rules.iss !== "" && payload.get("iss") !== rules.iss) return unverified();
    if (!rightAudience(payload.get("aud"), rules.aud) || !inTime(payload, rules.time)) return unverified();
    return [true, parsed.header, payload];
  };

function encode(header: string, payload: string, source: string): string {
  const parsed = JSON.parse(source) as Record<string, unknown>;
  const jwk = (Array.isArray(parsed["keys"]) ? parsed["keys"][0] : parsed) as Record<string, unknown>;
  const fields = JSON.parse(header) as Record<string, unknown>;
  const alg = fields["alg"];
  if (typeof alg !== "string" || !algorithms.includes(alg)) throw new TypeError("an unknown algorithm");
  if (fields["typ"] === undefined || fields["typ"] === "JWT") JSON.parse(payload);
  const encoded = (part: string): string => Buffer.from(part).toString("base64url");
  const signed = `${encoded(header)}.${encoded(payload)}`;
  return `${signed}.${signJws(alg, jwk, signed).toString("base64url")}`;
}

const keyed = "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA".split(" ");
const secret = ["HS256", "HS384", "HS512"];

/** `io.jwt.*`, whose `decode_verify` takes the decision time where it is given none. */
export const jwtBuiltins = (context: EvaluationContext): BuiltinTable => ({
  ...Object.fromEntries(keyed.map((alg) => [`io.jwt.verify_${alg.toLowerCase()}`, verifyWithKeys(alg)])),
  ...Object.fromEntries(secret.map((alg) => [`io.jwt.verify_${alg.toLowerCase()}`, verifyWithSecret(alg)])),
  "io.jwt.decode": (token) => decode(text(token)),
  "io.jwt.decode_verify": decodeVerify(context),
  "io.jwt.encode_sign": (header, payload, key) =>
    isMap(header) ? encode(jsonText(header), jsonText(payload as Term), jsonText(key as Term)) : undefined,
  "io.jwt.encode_sign_raw": (header, payload, key) => encode(text(header), text(payload), text(key)),
});
