/** Whose records are missing where there are none: the sources that one could have come from. */
import type { RecordKind } from "../decision/facts.ts";
import type { Origin } from "../decision/report.ts";

/** What a source may write, and whether it does. */
export interface SourceScope {
  readonly name: string;
  /** What its feed may write; `undefined`: it was not fed since the start, so that nobody knows. */
  readonly writes?: {
    readonly origin: Origin;
    readonly kinds?: readonly RecordKind[] | undefined;
    /** Absent: those of all tenants. */
    readonly tenants?: readonly string[] | undefined;
    /** Whether it is expected to be there. */
    readonly awaited: boolean;
  };
  /** Whether it has reports in force, and whether other records. */
  readonly holds: { readonly reports: boolean; readonly records: boolean };
}

/** A record that is not there. */
export interface Missing {
  readonly kind: RecordKind;
  /** Tenant that it would be of; absent: nobody knows, or none. */
  readonly tenant?: string | undefined;
  /** Whose word it would be. */
  readonly origin: Origin;
}

/** Kinds of records that are no tenant's: a source of some tenants writes none. */
const ofNoTenant: ReadonlySet<RecordKind> = new Set(["release", "rollout"]);

function permits({ writes, holds }: SourceScope, { kind, origin, tenant }: Missing): boolean {
  if (writes === undefined) return kind === "report" ? holds.reports : holds.records;
  return (
    writes.origin === origin &&
    (writes.kinds === undefined || writes.kinds.includes(kind)) &&
    (writes.tenants === undefined ||
      (tenant === undefined ? !ofNoTenant.has(kind) : writes.tenants.includes(tenant)))
  );
}

/** Whether all such records are this source's alone. */
function claims({ writes }: SourceScope, { kind, origin, tenant }: Missing): boolean {
  // What others say of a device takes nothing from who owns its record.
  if (origin !== "operator" || writes?.origin !== "operator" || !writes.awaited) return false;
  const { kinds, tenants } = writes;
  if (kinds === undefined && tenants === undefined) return false;
  return (
    (kinds === undefined || kinds.includes(kind)) &&
    (tenants === undefined || (tenant !== undefined && tenants.includes(tenant)))
  );
}

/**
 * Names of the sources that a missing record could have come from. One that comes and goes counts while it has
 * records; one that is expected counts always: what it did not say since it fell silent is not known.
 */
export function mayOwn(sources: Iterable<SourceScope>, missing: Missing): readonly string[] {
  const names: string[] = [];
  for (const source of sources) {
    if (claims(source, missing)) return [source.name];
    const { holds, name, writes } = source;
    if ((writes?.awaited === true || holds.records || holds.reports) && permits(source, missing))
      names.push(name);
  }
  return names;
}
