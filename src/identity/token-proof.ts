/** From a device token to the facts of a credential. */
import type { Credential } from "../decision/facts.ts";
import { isSafeId } from "../decision/ids.ts";
import { Fault } from "../runtime/fault.ts";
import {
  type Claims,
  claimedIssuer,
  objectClaim,
  refuseToken,
  textClaim,
  timeClaim,
  type Verified,
  verifyToken,
} from "./claims.ts";
import { type Named, parseSpiffeId } from "./spiffe.ts";
import type { Domain } from "./trust-domain.ts";

const sha256InBase64url = /^[A-Za-z0-9_-]{43}$/;
const keyName = /^[\x21-\x7e]{1,200}$/;

/** The device that `sub` names: a SPIFFE id (JWT-SVID), or a device id beside the claim `tenant`. */
function namedBy(claims: Claims, domain: Domain): Named {
  const sub = textClaim(claims, "sub") ?? "";
  if (!sub.startsWith("spiffe://")) return { device: sub, tenant: textClaim(claims, "tenant") };
  const id = parseSpiffeId(sub);
  if (id?.trustDomain !== domain.name) throw refuseToken("the token speaks for another trust domain");
  const named = domain.path.match(id.path);
  if (named === undefined) throw refuseToken("the path of the SPIFFE id names no tenant and device");
  return named;
}

/**
 * The name by which the registry knows the credential: that of the certificate or key that the token is bound
 * to (`cnf`, RFC 8705 and 7800) as `sha256:<hex>` or `jkt:<thumbprint>`, else `jwt:<kid>`, the key it was
 * signed with, which a device record must list to let the device use tokens of that key.
 */
function fingerprintOf({ claims, kid }: Verified): string {
  const cnf = objectClaim(claims, "cnf");
  if (cnf !== undefined) {
    const certificate = textClaim(cnf, "x5t#S256");
    const key = textClaim(cnf, "jkt");
    if (certificate !== undefined && sha256InBase64url.test(certificate)) {
      return `sha256:${Buffer.from(certificate, "base64url").toString("hex")}`;
    }
    if (key !== undefined && sha256InBase64url.test(key)) return `jkt:${key}`;
    throw refuseToken("the token is bound to a key in a way that is not understood (`cnf`)");
  }
  if (!keyName.test(kid)) throw refuseToken("the token does not name the key it was signed with (`kid`)");
  return `jwt:${kid}`;
}

function toCredential(verified: Verified, domain: Domain): Credential {
  const { claims } = verified;
  const { device, tenant = domain.tenant } = namedBy(claims, domain);
  if (!isSafeId(device)) throw refuseToken("`sub` of the token is no device id");
  if (tenant === undefined || !isSafeId(tenant)) throw refuseToken("the token names no tenant");
  const notBefore = timeClaim(claims, "nbf") ?? timeClaim(claims, "iat");
  const notAfter = timeClaim(claims, "exp");
  if (notBefore === undefined) throw refuseToken("the token has neither `nbf` nor `iat`");
  if (notAfter === undefined) throw refuseToken("the token has no `exp`");
  return {
    type: "jwt",
    trust_domain: domain.name,
    device_id: device,
    tenant,
    fingerprint: fingerprintOf(verified),
    not_before: notBefore,
    not_after: notAfter,
    key_protection: domain.keyProtection,
    usage: domain.usage,
  };
}

/**
 * Verifies a device token with the keys of the trust domain whose issuer and audience it names. Its expiry is
 * left to policies (renewal grace).
 * @throws Fault `proof_invalid`
 */
export async function proveToken(token: string, domains: readonly Domain[]): Promise<Credential> {
  const issuer = claimedIssuer(token);
  let first: Fault | undefined;
  for (const domain of domains) {
    if (domain.tokens === undefined || domain.tokens.issuer !== issuer) continue;
    try {
      return toCredential(await verifyToken(token, domain.tokens.keys, domain.tokens), domain);
    } catch (thrown) {
      first ??= Fault.from(thrown, "internal", "cannot verify the token");
    }
  }
  throw first ?? refuseToken("no trust domain accepts tokens of this issuer");
}
