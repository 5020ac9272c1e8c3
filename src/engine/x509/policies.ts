/** Whether a chain has a certificate policy that holds all along, where one is demanded (RFC 5280, 6.1; RFC 9618). */
import type { Certificate } from "./certificate.ts";

const any = "2.5.29.32.0";

/** Policies that hold so far, each with those that the next certificate may name for it. */
type Valid = ReadonlyMap<string, readonly string[]>;

function next(valid: Valid, named: readonly string[], anyAllowed: boolean): Map<string, readonly string[]> {
  const expected = new Set([...valid.values()].flat());
  const held = named.filter((policy) => policy !== any && (expected.has(policy) || valid.has(any)));
  const all = named.includes(any) && anyAllowed ? [...held, ...expected] : held;
  return new Map(all.map((policy) => [policy, [policy]]));
}

/** Mappings as the policies that hold see them; undefined where one maps to or from any policy. */
function mapped(valid: Valid, { policyMappings }: Certificate, allowed: boolean): Valid | undefined {
  const result = new Map(valid);
  if (!allowed) {
    for (const [issuer] of policyMappings) result.delete(issuer);
    return result;
  }
  if (policyMappings.flat().includes(any)) return undefined;
  for (const [issuer] of policyMappings) {
    const subjects = policyMappings.filter(([own]) => own === issuer).map(([, subject]) => subject);
    if (result.has(issuer) || result.has(any)) result.set(issuer, subjects);
  }
  return result;
}

const lowered = (counter: number, limit: number | undefined): number =>
  limit === undefined || limit < 0 ? counter : Math.min(counter, limit);

/** Whether a chain, the leaf first, is valid as far as policies go; the caller demands none of its own. */
export function keepsPolicies(chain: readonly Certificate[]): boolean {
  const below = chain.slice(0, -1).reverse();
  const [leaf] = chain;
  if (leaf === undefined || below.length === 0) return true;
  let [explicit, mapping, anyPolicy] = [chain.length, chain.length, chain.length];
  let valid: Valid | undefined = new Map([[any, [any]]]);
  for (const one of below) {
    const selfIssued = Buffer.compare(one.rawIssuer, one.rawSubject) === 0;
    if ((one.policies ?? []).length === 0) valid = undefined;
    if (explicit === 0 && valid === undefined) return false;
    if (valid !== undefined) {
      valid = next(valid, one.policies ?? [], anyPolicy > 0 || (one !== leaf && selfIssued));
      if (one !== leaf) valid = mapped(valid, one, mapping > 0);
      if (valid === undefined) return false;
    }
    if (one === leaf) break;
    const step = selfIssued ? 0 : 1;
    explicit = lowered(Math.max(0, explicit - step), one.requireExplicitPolicy);
    mapping = lowered(Math.max(0, mapping - step), one.inhibitPolicyMapping);
    anyPolicy = lowered(Math.max(0, anyPolicy - step), one.inhibitAnyPolicy);
  }
  const demanded = explicit <= 1 || leaf.requireExplicitPolicy === 0;
  return !demanded || (valid?.size ?? 0) > 0;
}
