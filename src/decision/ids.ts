/** Identifiers are attacker-controlled: what may stand in a topic level or a key. */

/** Longest identifier accepted, in UTF-16 code units. */
export const maxIdLength = 256;

// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing control characters is the point
const forbidden = /[/+#*>\s\u0000-\u001f\u007f-\u009f\ud800-\udfff\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]/u;

/**
 * Whether `id` may name a device, tenant, gateway, class or client: not empty, at most
 * {@link maxIdLength} units, and without topic separators and wildcards of MQTT (`/ + #`) and NATS (`* >`),
 * whitespace, control or invisible format characters, or lone surrogates.
 */
export function isSafeId(id: string): boolean {
  return id.length > 0 && id.length <= maxIdLength && !forbidden.test(id);
}
