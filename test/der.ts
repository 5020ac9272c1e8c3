/** Just enough DER (X.690) to write certificates, sound ones and broken ones. */

/** One element: tag, length, contents. */
export function tlv(tag: number, ...parts: readonly (Uint8Array | readonly number[])[]): Buffer {
  const value = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const { length } = value;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), value]);
  const head = length < 0x100 ? [0x81, length] : length < 0x10000 ? [0x82, length >> 8, length & 0xff] : [];
  if (head.length === 0) head.push(0x83, length >> 16, (length >> 8) & 0xff, length & 0xff);
  return Buffer.concat([Buffer.from([tag, ...head]), value]);
}

export const sequence = (...parts: readonly Uint8Array[]): Buffer => tlv(0x30, ...parts);
export const octets = (...parts: readonly Uint8Array[]): Buffer => tlv(0x04, ...parts);
/** A bit string; the last `unused` bits of `bytes` do not count. */
export const bits = (unused: number, bytes: Uint8Array | readonly number[]): Buffer =>
  tlv(0x03, [unused], bytes);
export const yes: Buffer = tlv(0x01, [0xff]);
/** A small non-negative integer. */
export const integer = (value: number): Buffer => tlv(0x02, [value]);

/** An object identifier in dotted form. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const groups = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128))
      groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return tlv(0x06, bytes);
}

/** A distinguished name made of one CN. */
export const commonName = (cn: string): Buffer =>
  sequence(tlv(0x31, sequence(oid("2.5.4.3"), tlv(0x0c, Buffer.from(cn)))));

/** GeneralizedTime of unix seconds. */
export const time = (unix: number): Buffer =>
  tlv(0x18, Buffer.from(`${new Date(unix * 1000).toISOString().replace(/\D/g, "").slice(0, 14)}Z`));

/** An X.509 extension. */
export const extension = (id: string, critical: boolean, value: Uint8Array): Buffer =>
  sequence(oid(id), ...(critical ? [yes] : []), octets(value));
