/** How far an override reaches: which records' answers it changes, and whether its end withdraws trust. */
import type { RecordKey } from "../decision/facts.ts";
import type { Override, OverrideTarget } from "../decision/override.ts";
import type { Registry } from "../registry/registry.ts";

/** What of the registry is asked. */
export type Reached = Pick<Registry, "classesOf" | "device" | "deviceIdsBy" | "servicesHolding" | "tenant">;

/** Devices that are named one by one; a credential of more is no credential of a device. */
const mostHolders = 1000;

function holdersOf(fingerprint: string, registry: Reached): readonly string[] {
  return registry.deviceIdsBy("fingerprint", fingerprint, undefined, mostHolders + 1);
}

/**
 * Records that answers about `target` rest on. An answer about a device rests on the firmware policy of its tenant
 * and class, whatever comes of it, so that this record stands for all devices of the class.
 */
export function reachOf(target: OverrideTarget, registry: Reached): readonly RecordKey[] | "everything" {
  const { id, kind } = target;
  switch (kind) {
    case "device":
    // What goes through a gateway rests on its record; what can go through another one does not.
    case "gateway":
      return [`device:${id}`];
    case "class":
      return [`firmware_policy:${id}`];
    case "tenant":
      return [
        `tenant:${id}`,
        ...registry.classesOf(id).map((each): RecordKey => `firmware_policy:${id}/${each}`),
      ];
    case "credential": {
      const holders = holdersOf(id, registry);
      const services = registry.servicesHolding(id).map((each): RecordKey => `service:${each}`);
      if (holders.length > mostHolders) return "everything";
      return [...holders.map((each): RecordKey => `device:${each}`), ...services];
    }
    case "rollout":
      return [`rollout:${id}`];
    default:
      return kind satisfies never;
  }
}

/** Tenant of a target; `undefined`: it is not known, or there is no one tenant, as of what several may hold. */
export function tenantOf({ id, kind }: OverrideTarget, registry: Reached): string | undefined {
  switch (kind) {
    case "tenant":
      return id;
    case "class":
      return id.slice(0, id.indexOf("/"));
    case "device":
    case "gateway":
      return registry.device(id)?.record?.tenant;
    case "credential":
    case "rollout":
      return undefined;
    default:
      return kind satisfies never;
  }
}

/**
 * FACTS.md, rule 9: what was answered with quarantine never ends by time alone. A signal of a tenant that we do
 * not know, or that its playbook may answer so, counts as one.
 */
export function withdrawsTrust(override: Override, registry: Reached): boolean {
  const { kind, signal, target } = override;
  if (kind === "quarantine" || kind === "safe_mode") return true;
  if (kind !== "signal") return false;
  const tenant = tenantOf(target, registry);
  const playbook = tenant === undefined ? undefined : registry.tenant(tenant)?.record?.playbook;
  if (playbook === undefined || signal === undefined) return true;
  return (Object.hasOwn(playbook, signal) ? playbook[signal] : "downgrade") === "quarantine";
}
