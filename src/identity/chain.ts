/** Path validation (RFC 5280, 6): does a chain lead from a leaf to a root of one trust domain? */
import { LRUCache } from "lru-cache";
import { Fault } from "../runtime/fault.ts";
import { type Certificate, fromPem, readCertificate } from "./certificate.ts";
import { keyUsages } from "./extensions.ts";

const clientAuth = "1.3.6.1.5.5.7.3.2";
const anyPurpose = "2.5.29.37.0";
const anyPolicy = "2.5.29.32.0";

/** A CA that a chain may end at, or that was proven to lead there. Holds from `from` until `until`, unix seconds. */
export interface Issuer {
  readonly certificate: Certificate;
  readonly from: number;
  readonly until: number;
  /** CAs that may still follow below it. */
  readonly pathLength: number;
  /** Policies that it may vouch for; `undefined`: any. */
  readonly policies: ReadonlySet<string> | undefined;
}

function refuse(why: string): Fault {
  return new Fault("proof_invalid", why);
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}

function allowsClients({ purposes }: Certificate): boolean {
  return purposes === undefined || purposes.includes(clientAuth) || purposes.includes(anyPurpose);
}

function checkCa(certificate: Certificate): void {
  if (!certificate.ca) throw refuse("a certificate was issued by one that is not a CA");
  if (certificate.keyUsage !== undefined && (certificate.keyUsage & keyUsages.keyCertSign) === 0) {
    throw refuse("the key usage of a CA does not allow it to issue certificates");
  }
  if (!allowsClients(certificate)) throw refuse("a CA is not meant for certificates of clients");
}

function narrowed(above: Issuer, certificate: Certificate): ReadonlySet<string> | undefined {
  const own = certificate.policies;
  if (own === undefined || own.includes(anyPolicy)) return above.policies;
  return new Set(own.filter((policy) => above.policies?.has(policy) ?? true));
}

function checkLeaf(leaf: Certificate): void {
  if (leaf.ca) throw refuse("the first certificate is a CA's, not a device's");
  if (leaf.keyUsage !== undefined) {
    if ((leaf.keyUsage & keyUsages.digitalSignature) === 0 || (leaf.keyUsage & keyUsages.keyCertSign) !== 0) {
      throw refuse("the key usage of the certificate does not allow it to authenticate");
    }
  }
  if (!allowsClients(leaf)) throw refuse("the certificate is not meant for clients (extended key usage)");
}

/** Verifies chains against the roots of one trust domain. CAs that were proven once are remembered. */
export class ChainVerifier {
  readonly #roots: readonly Certificate[];
  readonly #proven: LRUCache<string, Issuer> = new LRUCache({ max: 1024 });

  /** @param roots PEM text. @throws Fault `config_invalid` where one cannot be a root of trust. */
  constructor(roots: string) {
    const found = fromPem(roots);
    if (found.length === 0) throw new Fault("config_invalid", "`roots` hold no certificate in PEM");
    this.#roots = found.map((der) => {
      try {
        const root = readCertificate(der);
        checkCa(root);
        return root;
      } catch (thrown) {
        const { message } = Fault.from(thrown, "config_invalid", "cannot be read");
        throw new Fault("config_invalid", `a root certificate cannot be used: ${message}`, { cause: thrown });
      }
    });
  }

  /**
   * The CA that issued the leaf, once it is proven that it did and that it leads to a root. `chain` holds the
   * leaf first and after each certificate its issuer; what follows below a root is not looked at. The leaf's
   * own validity is a fact for policies (renewal grace), not judged here; that of CAs is.
   * @param now unix seconds
   * @throws Fault `proof_invalid`
   */
  verify(chain: readonly Certificate[], now: number): Issuer {
    const [leaf] = chain;
    if (leaf === undefined) throw refuse("the chain is empty");
    checkLeaf(leaf);
    return this.#issuerOf(chain, 0, now);
  }

  /** The proven issuer of `chain[at]`, from the root down: no key is used before it is trusted. */
  #issuerOf(chain: readonly Certificate[], at: number, now: number): Issuer {
    const below = chain[at];
    if (below === undefined) throw refuse("the chain is empty");
    for (const root of this.#roots) {
      if (!sameBytes(root.subject, below.issuer) || !below.isSignedBy(root.publicKey)) continue;
      return this.#rootAsIssuer(root, now);
    }
    const certificate = chain[at + 1];
    if (certificate === undefined || !sameBytes(certificate.subject, below.issuer)) {
      throw refuse("the chain does not lead to a root of the trust domain");
    }
    const issuer = this.#prove(chain, at + 1, certificate, now);
    if (below.isSignedBy(issuer.certificate.publicKey)) return issuer;
    throw refuse("a signature in the chain does not match the certificate that follows");
  }

  #rootAsIssuer(root: Certificate, now: number): Issuer {
    if (now < root.notBefore || now > root.notAfter) throw refuse("the root of the trust domain has expired");
    const { notBefore: from, notAfter: until, pathLength } = root;
    return { certificate: root, from, until, pathLength, policies: undefined };
  }

  #prove(chain: readonly Certificate[], at: number, certificate: Certificate, now: number): Issuer {
    const known = this.#proven.get(certificate.fingerprint);
    if (known !== undefined && now >= known.from && now <= known.until) return known;
    checkCa(certificate);
    const above = this.#issuerOf(chain, at, now);
    if (now < certificate.notBefore || now > certificate.notAfter) {
      throw refuse("an intermediate CA is not valid now");
    }
    const selfIssued = sameBytes(certificate.subject, certificate.issuer);
    const left = above.pathLength - (selfIssued ? 0 : 1);
    if (left < 0) throw refuse("the chain is longer than a CA in it allows (path length)");
    const issuer = {
      certificate,
      from: Math.max(above.from, certificate.notBefore),
      until: Math.min(above.until, certificate.notAfter),
      pathLength: Math.min(left, certificate.pathLength),
      policies: narrowed(above, certificate),
    };
    this.#proven.set(certificate.fingerprint, issuer);
    return issuer;
  }
}
