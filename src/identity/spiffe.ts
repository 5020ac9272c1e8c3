/** SPIFFE ids of devices, and where tenant and device stand in them. */
import { isSafeId } from "../decision/ids.ts";
import { Fault } from "../runtime/fault.ts";

/** A SPIFFE id, taken apart. */
export interface SpiffeId {
  readonly trustDomain: string;
  /** From its first slash on. */
  readonly path: string;
}

const pattern = /^spiffe:\/\/([a-z0-9._-]{1,255})((?:\/[A-Za-z0-9._-]+)+)$/;

/** Reads a SPIFFE id (SPIFFE-ID, 2: no query, fragment, port, percent-encoding or dot segments; at most 2048 bytes). */
export function parseSpiffeId(uri: string): SpiffeId | undefined {
  if (uri.length > 2048) return undefined;
  const [, trustDomain, path] = pattern.exec(uri) ?? [];
  if (trustDomain === undefined || path === undefined || /\/\.{1,2}(?:\/|$)/.test(path)) return undefined;
  return { trustDomain, path };
}

/** Who a path names. */
export interface Named {
  readonly tenant: string | undefined;
  readonly device: string;
}

/** Reads paths of one shape. */
export interface PathTemplate {
  /** Tenant and device that `path` names, if it has the shape and both are safe ids. */
  match(path: string): Named | undefined;
}

const tenantVariable = "{tenant}";
const deviceVariable = "{device}";

/**
 * Compiles a template such as `/tenant/{tenant}/device/{device}`. A variable fills exactly one segment.
 * @throws Fault `config_invalid`
 */
export function compilePath(template: string): PathTemplate {
  const parts = template.split("/");
  const count = (variable: string): number => parts.filter((part) => part === variable).length;
  const stray = parts.some((part) => /[{}]/.test(part) && part !== tenantVariable && part !== deviceVariable);
  if (parts[0] !== "" || count(deviceVariable) !== 1 || count(tenantVariable) > 1 || stray) {
    throw new Fault(
      "config_invalid",
      `the SPIFFE path \`${template}\` must begin with \`/\` and hold \`{device}\`, and \`{tenant}\` at most once, as whole segments`,
    );
  }
  return {
    match(path) {
      const segments = path.split("/");
      if (segments.length !== parts.length) return undefined;
      let tenant: string | undefined;
      let device = "";
      for (const [index, part] of parts.entries()) {
        const segment = segments[index] ?? "";
        if (part === tenantVariable) tenant = segment;
        else if (part === deviceVariable) device = segment;
        else if (part !== segment) return undefined;
      }
      if (!isSafeId(device) || (tenant !== undefined && !isSafeId(tenant))) return undefined;
      return { tenant, device };
    },
  };
}
