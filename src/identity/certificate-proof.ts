/** From a certificate chain to the facts of a credential. */
import type { Credential } from "../decision/facts.ts";
import { isSafeId } from "../decision/ids.ts";
import { Fault } from "../runtime/fault.ts";
import { type Certificate, readCertificate } from "./certificate.ts";
import type { Issuer } from "./chain.ts";
import { parseSpiffeId } from "./spiffe.ts";
import type { Domain, Usage } from "./trust-domain.ts";

/** Limits of a chain. */
export interface ChainLimits {
  readonly chainCertificates: number;
  /** Bytes of one certificate. */
  readonly certificateBytes: number;
}

/** What a chain proves, for as long as its CAs are valid (unix seconds, inclusive). */
export interface ProvenCertificate {
  readonly credential: Credential;
  readonly until: number;
}

function refuse(why: string): Fault {
  return new Fault("proof_invalid", why);
}

interface Subject {
  readonly domain: Domain;
  readonly tenant: string;
  readonly device: string;
}

/** Whom the leaf claims to be, and the one trust domain whose roots may say so. */
function subjectsOf(leaf: Certificate, domains: readonly Domain[]): readonly Subject[] {
  const [uri] = leaf.uris;
  if (uri === undefined) {
    const device = leaf.cn ?? "";
    const subjects = domains.flatMap((domain) =>
      domain.cnFallback && domain.tenant !== undefined ? [{ domain, tenant: domain.tenant, device }] : [],
    );
    if (subjects.length === 0) throw refuse("the certificate has no SPIFFE id (URI SAN)");
    if (!isSafeId(device)) throw refuse("the CN of the certificate is no device id");
    return subjects;
  }
  if (leaf.uris.length > 1) throw refuse("the certificate has more than one URI SAN");
  const id = parseSpiffeId(uri);
  if (id === undefined) throw refuse("the URI SAN of the certificate is no SPIFFE id");
  const domain = domains.find(({ name }) => name === id.trustDomain);
  if (domain === undefined) throw refuse(`trust domain \`${id.trustDomain}\` is not configured`);
  const named = domain.path.match(id.path);
  const tenant = named?.tenant ?? domain.tenant;
  if (named === undefined || tenant === undefined) {
    throw refuse("the path of the SPIFFE id names no tenant and device");
  }
  return [{ domain, tenant, device: named.device }];
}

/** The plane that its issuer put the certificate on. */
function usageOf(leaf: Certificate, issuer: Issuer, domain: Domain): Usage {
  const vouched = (leaf.policies ?? []).filter((policy) => issuer.policies?.has(policy) ?? true);
  const usages = new Set<Usage>();
  for (const id of [...vouched, ...(leaf.purposes ?? [])]) {
    const usage = domain.usageByPolicy.get(id);
    if (usage !== undefined) usages.add(usage);
  }
  if (usages.size > 1) throw refuse("the policies of the certificate put it on two planes");
  const [usage = domain.usage] = usages;
  return usage;
}

function prove(
  chain: readonly Certificate[],
  leaf: Certificate,
  subject: Subject,
  now: number,
): ProvenCertificate {
  const { domain, tenant, device } = subject;
  if (domain.chains === undefined) throw refuse(`trust domain \`${domain.name}\` accepts no certificates`);
  const issuer = domain.chains.verify(chain, now);
  return {
    until: issuer.until,
    credential: {
      type: "x509",
      trust_domain: domain.name,
      device_id: device,
      tenant,
      fingerprint: leaf.fingerprint,
      not_before: leaf.notBefore,
      not_after: leaf.notAfter,
      key_protection: domain.keyProtectionByIssuer.get(issuer.certificate.cn ?? "") ?? domain.keyProtection,
      usage: usageOf(leaf, issuer, domain),
    },
  };
}

/**
 * Verifies a chain (DER, leaf first, each followed by its issuer) against the roots of the trust domain that
 * its leaf names: a root of one domain cannot speak for another. Whether the leaf itself is still valid is left
 * to policies.
 * @param now unix seconds
 * @throws Fault `proof_invalid`
 */
export function proveCertificate(
  chain: readonly Uint8Array[],
  domains: readonly Domain[],
  limits: ChainLimits,
  now: number,
): ProvenCertificate {
  const { chainCertificates, certificateBytes } = limits;
  if (chain.length > chainCertificates || chain.some((der) => der.length > certificateBytes)) {
    throw refuse(`a chain may have ${chainCertificates} certificates of ${certificateBytes} bytes`);
  }
  const certificates = chain.map(readCertificate);
  const [leaf] = certificates;
  if (leaf === undefined) throw refuse("the chain is empty");
  let first: Fault | undefined;
  for (const subject of subjectsOf(leaf, domains)) {
    try {
      return prove(certificates, leaf, subject, now);
    } catch (thrown) {
      first ??= Fault.from(thrown, "internal", "cannot verify the chain");
    }
  }
  throw first ?? refuse("no trust domain accepts the certificate");
}
