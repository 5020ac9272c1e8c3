/** What a feed may write: its kinds, its tenants, as whose word, and what nobody else claims. */

import type { RecordKey, RecordKind } from "../decision/facts.ts";
import type { Origin } from "../decision/report.ts";
import type { StoredValue } from "./record-store.ts";
import { belongsTo, ofAnotherKind, ofAnotherOrigin, outsideTenants } from "./refusals.ts";
import { type AnyRecord, kindOf } from "./stored-record.ts";

/** What of a feed decides that. */
export interface WriteRights {
  readonly name: string;
  readonly kinds?: readonly RecordKind[] | undefined;
  readonly tenants: readonly string[];
  readonly origin: Origin;
  /** Whether it is configured here: it may be told whose a record is. One that pushes is another party. */
  readonly awaited: boolean;
  /** Asks for the record where its tenant matters: it may have to be unpacked. */
  ownerOf(key: RecordKey, record: () => AnyRecord | undefined): string | undefined;
}

/** Why the feed may not write a record, given what is in force; `undefined`: it may. */
export function foreignTo(
  rights: WriteRights,
  key: RecordKey | undefined,
  entry: { readonly record?: AnyRecord | undefined },
  held: StoredValue | undefined,
): string | undefined {
  const { kinds, name, origin, tenants } = rights;
  if (key !== undefined && kinds !== undefined && !kinds.includes(kindOf(key)))
    return ofAnotherKind(kindOf(key), name);
  if (key !== undefined && origin !== "operator" && !key.startsWith(`report:${origin}/`))
    return ofAnotherOrigin(origin, name);
  const outside = tenants.includes("*") ? undefined : outsideTenants(tenants, entry.record, held);
  if (key === undefined || origin !== "operator" || (outside !== undefined && !rights.awaited))
    return outside;
  const owner = rights.ownerOf(key, () => entry.record ?? held?.record);
  if (owner === undefined || owner === name) return outside;
  const conflict = belongsTo(owner, name);
  return outside === undefined ? conflict : `${outside}: ${conflict}`;
}
