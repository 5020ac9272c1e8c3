/** Keys of any text as keys of NATS, which know letters, digits and `- / = _ .` only. */

const plain = /^[-\w]$/;

/** Writes every other character as `=` and two hexadecimal digits per byte of UTF-8. */
export function encodeKey(key: string): string {
  let encoded = "";
  for (const character of key) {
    if (plain.test(character)) encoded += character;
    else
      for (const byte of Buffer.from(character))
        encoded += `=${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}

/** The inverse of {@link encodeKey}; text that it never wrote is returned as it is. */
export function decodeKey(encoded: string): string {
  if (!/^(?:[-\w]|=[0-9A-F]{2})+$/.test(encoded)) return encoded;
  const bytes: number[] = [];
  for (let at = 0; at < encoded.length; at++) {
    const escaped = encoded[at] === "=";
    bytes.push(escaped ? Number.parseInt(encoded.slice(at + 1, at + 3), 16) : encoded.charCodeAt(at));
    if (escaped) at += 2;
  }
  return Buffer.from(bytes).toString("utf8");
}
