/** Chains of certificates up to a root, as Go's `Certificate.Verify` builds and judges them. */
import { isIP } from "node:net";
import { addressText } from "./alternative-names.ts";
import type { Certificate } from "./certificate.ts";
import { keepsConstraints } from "./constrained.ts";
import { namesHost } from "./domain.ts";
import { keepsPolicies } from "./policies.ts";
import { keyAlgorithms } from "./public-key.ts";
import { anyPurpose } from "./purposes.ts";
import { holds } from "./signature.ts";

/** What a chain must stand. */
export interface ChainDemands {
  /** The moment in nanoseconds of Unix time. */
  readonly at: bigint;
  /** A host name or address of the leaf; empty: any. */
  readonly host: string;
  /** OIDs of extended key usages, of which one must be allowed all along. */
  readonly purposes: readonly string[];
}

/** Where a certificate stands in a chain. */
type Role = "leaf" | "intermediate" | "root";

const certSign = 1 << 5;
/** As Go: signatures that are tried before a leaf is given up. */
const maxAttempts = 100;

const same = (left: Uint8Array, right: Uint8Array): boolean => Buffer.compare(left, right) === 0;

/** Whether a certificate may stand above `below`, or at the end, at that moment. */
function stands(one: Certificate, role: Role, below: readonly Certificate[], at: bigint): boolean {
  if (one.unhandledCritical.length > 0) return false;
  if (at < one.notBefore.ns || at > one.notAfter.ns) return false;
  if (role === "intermediate" && !(one.basic && one.isCa)) return false;
  return !one.basic || one.maxPathLength < 0 || below.length - 1 <= one.maxPathLength;
}

function isSignedBy(child: Certificate, parent: Certificate): boolean {
  if ((parent.version === 3 && !parent.basic) || (parent.basic && !parent.isCa)) return false;
  if (parent.keyUsage !== 0 && (parent.keyUsage & certSign) === 0) return false;
  if (parent.publicKey.algorithm === keyAlgorithms.unknown) return false;
  return holds(parent.spki, child.signatureAlgorithm, child.body, child.signature);
}

/** Those whose subject is the issuer, the likeliest first by the identifiers of their keys. */
function parentsOf(child: Certificate, pool: readonly Certificate[]): readonly Certificate[] {
  const wanted = child.authorityKeyId ?? new Uint8Array();
  const likeness = ({ subjectKeyId }: Certificate): number => {
    const own = subjectKeyId ?? new Uint8Array();
    if (same(own, wanted)) return 0;
    return own.length === 0 || wanted.length === 0 ? 1 : 2;
  };
  return pool
    .filter(({ rawSubject }) => same(rawSubject, child.rawIssuer))
    .sort((left, right) => likeness(left) - likeness(right));
}

const nameValue = ({ extensions }: Certificate): Uint8Array | undefined =>
  extensions.find(({ Id }) => Id.join(".") === "2.5.29.17")?.Value;

/** Whether the same subject with the same key is there already. */
function isIn(chain: readonly Certificate[], candidate: Certificate): boolean {
  const names = nameValue(candidate);
  for (const one of chain) {
    if (!same(one.rawSubject, candidate.rawSubject) || !same(one.spki, candidate.spki)) continue;
    const own = nameValue(one);
    if (own === undefined || names === undefined) return own === names;
    if (same(own, names)) return true;
  }
  return false;
}

interface Search {
  readonly root: Certificate;
  readonly intermediates: readonly Certificate[];
  readonly at: bigint;
  attempts: number;
}

/** The chains that go on from `chain` to the root. */
function* continued(chain: readonly Certificate[], search: Search): Generator<readonly Certificate[]> {
  const last = chain.at(-1) as Certificate;
  const candidates = [
    ...parentsOf(last, [search.root]).map((one) => ({ one, role: "root" as const })),
    ...parentsOf(last, search.intermediates).map((one) => ({ one, role: "intermediate" as const })),
  ];
  for (const { one, role } of candidates) {
    search.attempts++;
    if (search.attempts > maxAttempts) return;
    if (one.publicKey.told === null || isIn(chain, one)) continue;
    if (!isSignedBy(last, one) || !stands(one, role, chain, search.at)) continue;
    const longer = [...chain, one];
    if (role === "root") yield longer;
    else yield* continued(longer, search);
  }
}

/** Whether some wanted purpose is allowed by every certificate of a chain. */
function allows(chain: readonly Certificate[], purposes: readonly string[]): boolean {
  if (purposes.includes(anyPurpose)) return true;
  const limits = chain
    .map((one) => one.purposes.map((arcs) => arcs.join(".")))
    .filter((own) => own.length > 0 && !own.includes(anyPurpose));
  return purposes.some((purpose) => limits.every((own) => own.includes(purpose)));
}

/** Whether a leaf is for a host, which may be an address. */
function isFor({ names }: Certificate, host: string): boolean {
  const bare = /^\[.+\]$/.test(host) ? host.slice(1, -1) : host;
  if (isIP(bare) === 0 || bare.includes("%")) return names.dns.some((name) => namesHost(name, host));
  return names.ips.some((ip) => addressText(ip) === canonical(bare));
}

/** An address as `addressText` writes it. */
function canonical(address: string): string {
  if (isIP(address) === 4) return address;
  const inside = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(inside);
  if (mapped === null) return inside;
  return [mapped[1], mapped[2]]
    .map((group) => Number.parseInt(group as string, 16))
    .flatMap((group) => [group >> 8, group & 0xff])
    .join(".");
}

/**
 * The first chain from the leaf, which is the last of `certificates`, over those between to the root, which is
 * their first. Undefined where there is none that stands.
 */
export function findChain(
  certificates: readonly Certificate[],
  { at, host, purposes }: ChainDemands,
): readonly Certificate[] | undefined {
  const [root, ...rest] = certificates;
  const leaf = rest.at(-1);
  if (root === undefined || leaf === undefined) return undefined;
  if (!stands(leaf, "leaf", [], at) || (host !== "" && !isFor(leaf, host))) return undefined;
  const intermediates = rest
    .slice(0, -1)
    .filter((one, index, all) => all.findIndex(({ raw }) => same(raw, one.raw)) === index);
  const search = { root, intermediates, at, attempts: 0 };
  const chains = same(root.raw, leaf.raw) ? [[leaf]] : continued([leaf], search);
  for (const chain of chains)
    if (keepsPolicies(chain) && allows(chain, purposes) && keepsConstraints(chain)) return chain;
  return undefined;
}
