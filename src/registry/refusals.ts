/** Why a well-formed record is not taken, in words, for snapshots and deltas alike. */
import type { StoredValue } from "./record-store.ts";
import { type AnyRecord, tenantIn } from "./stored-record.ts";
import { lifecycleIn } from "./stored-row.ts";

/** A record has one owner: the conflict names both. */
export function belongsTo(owner: string, other: string): string {
  return `the record belongs to source \`${owner}\`, so that \`${other}\` may not write it`;
}

/** FACTS.md, registry feed: `retired` is terminal. */
export const retiredIsTerminal = "the device is retired, which nothing undoes";

interface Said {
  readonly record?: AnyRecord | undefined;
}

function isRetired(value: Said | undefined): boolean {
  const packed = lifecycleIn(value);
  if (packed !== undefined) return packed === "retired";
  const record = value?.record;
  return (
    record !== undefined &&
    "state" in record &&
    "credentials" in record &&
    record.state.lifecycle === "retired"
  );
}

/** Whether an entry would bring a retired device back. */
export function isUnretired(inForce: StoredValue | undefined, entry: Said): boolean {
  return isRetired(inForce) && !isRetired(entry);
}

/** A record of a kind that its feed is not for. */
export function ofAnotherKind(kind: string, source: string): string {
  return `source \`${source}\` may not write records of kind \`${kind}\``;
}

/** SYN-17: what is said here counts as the word of `origin`, which never overwrites anybody else's. */
export function ofAnotherOrigin(origin: string, source: string): string {
  return `source \`${source}\` speaks as ${origin}: it may write reports of that origin only`;
}

/** A record outside the tenants of its feed. */
export const ofAnotherTenant = "the record is not of a tenant that this feed may write";

/** Why a feed of `tenants` may not write this record, nor take it from another tenant (SYN-16). */
export function outsideTenants(
  tenants: readonly string[],
  record: AnyRecord | undefined,
  inForce: StoredValue | undefined,
): string | undefined {
  for (const each of [record, inForce?.record])
    if (each !== undefined && !tenants.includes(tenantIn(each) ?? "*")) return ofAnotherTenant;
  // What no record says is nobody's: it must not stand in the way of its owner.
  return record === undefined && inForce === undefined ? ofAnotherTenant : undefined;
}
