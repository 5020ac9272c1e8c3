/** What devices can be found by besides their id: the terms of the secondary indexes. */
import type { DeviceRecord } from "../decision/facts.ts";
import { isSafeId } from "../decision/ids.ts";
import type { AnyRecord } from "./stored-record.ts";

/** A secondary index: fingerprint of a credential, SPIFFE id, tenant, a device's own model, gateway that may speak for it. */
export type IndexName = "fingerprint" | "spiffe" | "tenant" | "model" | "gateway";

/** `fingerprint:ab12...`, `gateway:gw-01`: one key of an index. */
export type IndexTerm = `${IndexName}:${string}`;

/** How SPIFFE ids are made of records. `version` changes whenever the ids may: then the index is built anew. */
export interface SpiffeNaming {
  readonly version: string;
  /** The SPIFFE id of a device; `undefined`: its trust domain has none. */
  of(device: Pick<DeviceRecord, "id" | "tenant" | "trust_domain">): string | undefined;
  /** The inverse: the only device that may have this SPIFFE id. Whether it does, its record says. */
  deviceIn(spiffeId: string): string | undefined;
}

const defaultPath = /^spiffe:\/\/[^/]*\/tenant\/[^/]+\/device\/([^/]+)$/;

/** SPIFFE ids as trust domains have them by default. */
export const defaultSpiffeNaming: SpiffeNaming = {
  version: "/tenant/{tenant}/device/{device}",
  of: ({ id, tenant, trust_domain }) => `spiffe://${trust_domain}/tenant/${tenant}/device/${id}`,
  deviceIn: (spiffeId) => defaultPath.exec(spiffeId)?.[1],
};

/** What of a device the indexes hold. */
export interface Indexed {
  readonly tenant: string;
  readonly model: string;
  readonly via: readonly string[];
  /** Fingerprints of its credentials. */
  readonly fingerprints: readonly string[];
}

/** What of a record the indexes hold; `undefined`: it is no device, and so one of few. */
export function indexedOf(record: AnyRecord | undefined): Indexed | undefined {
  if (record === undefined || !("via" in record)) return undefined;
  const { credentials, model, tenant, via } = record;
  return { tenant, model, via, fingerprints: Object.keys(credentials) };
}

/**
 * Terms by which a device is found. A SPIFFE id is none of them: it names its device, so that nothing need be stored
 * to find that.
 */
export function indexTerms(indexed: Indexed | undefined): readonly IndexTerm[] {
  if (indexed === undefined) return [];
  const { fingerprints, model, tenant, via } = indexed;
  const terms: IndexTerm[] = [`tenant:${tenant}`];
  for (const fingerprint of fingerprints) terms.push(`fingerprint:${fingerprint}`);
  if (model !== "") terms.push(`model:${model}`);
  for (const gateway of via) terms.push(`gateway:${gateway}`);
  return terms;
}

/** What a SPIFFE id finds: the device that it names, where its record agrees; `undefined`: `term` is of an index. */
export function idsNamedBy(
  term: IndexTerm,
  naming: SpiffeNaming,
  recordOf: (id: string) => AnyRecord | undefined,
): readonly string[] | undefined {
  if (!term.startsWith(spiffePrefix)) return undefined;
  const spiffeId = term.slice(spiffePrefix.length);
  const id = naming.deviceIn(spiffeId);
  if (id === undefined || !isSafeId(id)) return [];
  const record = recordOf(id);
  return record !== undefined && "via" in record && naming.of(record) === spiffeId ? [id] : [];
}

const spiffePrefix = "spiffe:";

/** Whether `term` is one of a device's {@link indexTerms}, without making them all. */
export function holdsTerm(indexed: Indexed | undefined, term: IndexTerm): boolean {
  if (indexed === undefined) return false;
  const at = term.indexOf(":");
  const value = term.slice(at + 1);
  switch (term.slice(0, at)) {
    case "tenant":
      return indexed.tenant === value;
    case "fingerprint":
      return indexed.fingerprints.includes(value);
    case "model":
      return value !== "" && indexed.model === value;
    case "gateway":
      return indexed.via.includes(value);
    default:
      return false;
  }
}

/** Terms of `a` that `b` lacks. */
export function termsOnlyIn(a: readonly IndexTerm[], b: readonly IndexTerm[]): readonly IndexTerm[] {
  return a.filter((term) => !b.includes(term));
}
