/** Identifiers are attacker-controlled: what may stand in a topic level or a key. */

/** Longest identifier accepted, in UTF-16 code units. */
export const maxIdLength = 256;

const forbidden = /[/+#*>\s\p{C}\p{Z}]/u;

/**
 * Whether `id` may name a device, tenant, gateway, class or client: not empty, at most
 * {@link maxIdLength} units, and without topic separators and wildcards of MQTT (`/ + #`) and NATS (`* >`),
 * whitespace, control or invisible format characters, or lone surrogates.
 */
export function isSafeId(id: string): boolean {
  return typeof id === "string" && id.length > 0 && id.length <= maxIdLength && !forbidden.test(id);
}
