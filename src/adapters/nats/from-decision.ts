/** Grants as the permissions of a NATS user. */
import type { DoorGrant } from "../../enforcement/broker-door.ts";
import { subjectsOf } from "./subjects.ts";

/** What NATS can hold a session to besides subjects: what its configuration holds. */
export interface NatsCaps {
  readonly maxQos: number;
  readonly mayRetain: boolean;
}

interface Permission {
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
}

/**
 * INVARIANT: an empty list allows everything in NATS; where nothing is granted, everything is denied. A grant of less
 * than the server takes (a lower QoS, no retained messages) cannot be carried and is left out; a denial always is one.
 */
function permission(grants: readonly DoorGrant[], action: DoorGrant["action"], caps: NatsCaps): Permission {
  const own = grants.filter((grant) => grant.action === action);
  const carried = ({ max_qos, retain }: DoorGrant): boolean =>
    max_qos >= caps.maxQos && (action === "subscribe" || retain || !caps.mayRetain);
  const allow = own
    .filter((each) => each.effect === "allow" && carried(each))
    .flatMap(({ filter }) => subjectsOf(filter));
  const denied = own.filter(({ effect }) => effect === "deny");
  const deny = denied.flatMap(({ filter }) => subjectsOf(filter));
  if (allow.length === 0 || denied.some(({ filter }) => subjectsOf(filter).length === 0))
    return { deny: [">"] };
  return deny.length === 0 ? { allow } : { allow, deny };
}

/** The permissions of a session. */
export function toPermissions(
  grants: readonly DoorGrant[],
  caps: NatsCaps,
): { readonly pub: Permission; readonly sub: Permission } {
  return { pub: permission(grants, "publish", caps), sub: permission(grants, "subscribe", caps) };
}
