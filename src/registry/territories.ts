/** Who owns which records before anybody has written them: sources that claim kinds, or tenants, for themselves. */
import type { RecordKey, RecordKind } from "../decision/facts.ts";
import { Fault } from "../runtime/fault.ts";
import { kindOf } from "./stored-record.ts";

/** What a source is there for. What is left out is not claimed: it belongs to whoever writes it first. */
export interface Territory {
  readonly kinds?: readonly RecordKind[] | undefined;
  readonly tenants?: readonly string[] | undefined;
}

const all = "*";

function meets<T>(a: readonly T[] | undefined, b: readonly T[] | undefined): boolean {
  return a === undefined || b === undefined || a.some((each) => b.includes(each));
}

/** The claims of all sources. No two overlap. */
export class Territories {
  readonly #claims = new Map<string, Territory>();

  /** Claims what `territory` names, if anything. Throws `config_invalid`, naming both, where another source has it. */
  claim(name: string, { kinds, tenants }: Territory): void {
    const named = tenants?.includes(all) === true ? undefined : tenants;
    if (kinds === undefined && named === undefined) return;
    for (const [other, claimed] of this.#claims) {
      if (other === name || !meets(kinds, claimed.kinds) || !meets(named, claimed.tenants)) continue;
      throw new Fault(
        "config_invalid",
        `sources \`${other}\` and \`${name}\` claim the same records: give them different \`kinds\` or \`tenants\``,
      );
    }
    this.#claims.set(name, { kinds, tenants: named });
  }

  /** The source that claims a record of a tenant (`undefined`: nobody's in particular), asked for where it matters. */
  ownerOf(key: RecordKey, tenantOf: () => string | undefined): string | undefined {
    if (this.#claims.size === 0) return undefined;
    const kind = kindOf(key);
    let tenant: string | undefined;
    let asked = false;
    const isIn = (tenants: readonly string[]): boolean => {
      if (!asked) tenant = tenantOf();
      asked = true;
      return tenant !== undefined && tenants.includes(tenant);
    };
    for (const [name, { kinds, tenants }] of this.#claims)
      if ((kinds === undefined || kinds.includes(kind)) && (tenants === undefined || isIn(tenants)))
        return name;
    return undefined;
  }
}
