/** NATS JWTs (version 2): three base64url parts, `ed25519-nkey`. */
import { createHash } from "node:crypto";
import { isSignedBy, type SigningKey } from "./nkeys.ts";

const header = Buffer.from(JSON.stringify({ typ: "JWT", alg: "ed25519-nkey" })).toString("base64url");

/** Signs a claim as `key`. */
export function signJwt(key: SigningKey, now: number, claim: Readonly<Record<string, unknown>>): string {
  const body = { ...claim, iss: key.public, iat: now };
  const jti = createHash("sha256").update(JSON.stringify(body)).digest("base64url");
  const data = `${header}.${Buffer.from(JSON.stringify({ ...body, jti })).toString("base64url")}`;
  return `${data}.${key.sign(data).toString("base64url")}`;
}

/** The claim of a JWT whose issuer signed it; `undefined`: it did not, or it is none. */
export function readJwt(token: string): Record<string, unknown> | undefined {
  const [head, body, signature] = token.split(".");
  if (head === undefined || body === undefined || signature === undefined) return undefined;
  try {
    const claim = JSON.parse(Buffer.from(body, "base64url").toString("utf8")) as Record<string, unknown>;
    const { iss } = claim;
    if (typeof iss !== "string") return undefined;
    return isSignedBy(iss, `${head}.${body}`, Buffer.from(signature, "base64url")) ? claim : undefined;
  } catch {
    return undefined;
  }
}
