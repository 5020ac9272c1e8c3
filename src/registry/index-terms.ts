/** What devices can be found by besides their id: the terms of the secondary indexes. */
import type { DeviceRecord } from "../decision/facts.ts";
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
}

/** SPIFFE ids as trust domains have them by default. */
export const defaultSpiffeNaming: SpiffeNaming = {
  version: "/tenant/{tenant}/device/{device}",
  of: ({ id, tenant, trust_domain }) => `spiffe://${trust_domain}/tenant/${tenant}/device/${id}`,
};

/** Longest part of a key: LMDB bounds keys, and nothing that is longer can be asked for. */
const maxTerm = 1024;

/** Terms by which a record is found; none for records other than devices, which are few. */
export function indexTerms(record: AnyRecord | undefined, naming: SpiffeNaming): readonly IndexTerm[] {
  if (record === undefined || !("via" in record)) return [];
  const terms: IndexTerm[] = [`tenant:${record.tenant}`];
  for (const fingerprint in record.credentials) terms.push(`fingerprint:${fingerprint}`);
  const spiffe = naming.of(record);
  if (spiffe !== undefined && spiffe.length <= maxTerm) terms.push(`spiffe:${spiffe}`);
  if (record.model !== undefined && record.model !== "") terms.push(`model:${record.model}`);
  for (const gateway of record.via) terms.push(`gateway:${gateway}`);
  return terms;
}

/** Whether `term` is one of a record's {@link indexTerms}, without making them all. */
export function holdsTerm(record: AnyRecord | undefined, term: IndexTerm, naming: SpiffeNaming): boolean {
  if (record === undefined || !("via" in record)) return false;
  const at = term.indexOf(":");
  const value = term.slice(at + 1);
  switch (term.slice(0, at) as IndexName) {
    case "tenant":
      return record.tenant === value;
    case "fingerprint":
      return Object.hasOwn(record.credentials, value);
    case "spiffe":
      return naming.of(record) === value;
    case "model":
      return value !== "" && record.model === value;
    case "gateway":
      return record.via.includes(value);
  }
}

/** Terms of `a` that `b` lacks. */
export function termsOnlyIn(a: readonly IndexTerm[], b: readonly IndexTerm[]): readonly IndexTerm[] {
  return a.filter((term) => !b.includes(term));
}
