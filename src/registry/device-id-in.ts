/** The device that somebody asks for by one of its names. */
import type { Registry } from "./registry.ts";

/** Its id where it is asked for by id, SPIFFE id or fingerprint; empty where no or more than one device has that. */
export function deviceIdIn(
  registry: Pick<Registry, "deviceIdsBy">,
  { id, fingerprint }: { readonly id: string; readonly fingerprint: string },
): string {
  const spiffe = id.startsWith("spiffe://");
  if (fingerprint === "" && !spiffe) return id;
  const found =
    fingerprint === ""
      ? registry.deviceIdsBy("spiffe", id, undefined, 2)
      : registry.deviceIdsBy("fingerprint", fingerprint, undefined, 2);
  return found.length === 1 ? (found[0] ?? "") : "";
}
