/** NATS keys: Ed25519 keys in base32 with a prefix and a checksum (nkeys), signed with by `node:crypto`. */
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { Fault } from "../../runtime/fault.ts";

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/** DER of a PKCS #8 Ed25519 private key up to its 32 bytes, and of a public key (RFC 8410). */
const pkcs8 = Buffer.from("302e020100300506032b657004220420", "hex");
const spki = Buffer.from("302a300506032b6570032100", "hex");

function decode(text: string): Buffer {
  const bytes: number[] = [];
  let bits = 0;
  let value = 0;
  for (const letter of text) {
    const at = alphabet.indexOf(letter);
    if (at < 0) throw new Fault("proof_invalid", "a NATS key holds a letter that is not base32");
    value = ((value << 5) | at) & 0xffff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push((value >> bits) & 0xff);
  }
  return Buffer.from(bytes);
}

function encode(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xffff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += alphabet[(value >> bits) & 31];
    }
  }
  return bits > 0 ? text + alphabet[(value << (5 - bits)) & 31] : text;
}

/** CRC-16/XMODEM. */
function checksum(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++)
      crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
  }
  return crc;
}

function checked(text: string): Buffer {
  const bytes = decode(text);
  const body = bytes.subarray(0, -2);
  if (bytes.length < 4 || checksum(body) !== bytes.readUInt16LE(bytes.length - 2))
    throw new Fault("proof_invalid", "a NATS key has a wrong checksum");
  return body;
}

/** A key pair that signs. */
export interface SigningKey {
  /** `A...` for an account. */
  readonly public: string;
  sign(data: string): Buffer;
}

/** Opens a seed (`SA...`). @throws Fault `proof_invalid` */
export function openSeed(seed: string): SigningKey {
  const body = checked(seed.trim());
  if (body.length !== 34 || ((body[0] ?? 0) & 0xf8) !== 18 << 3)
    throw new Fault("proof_invalid", "the NATS seed is none: it begins with `S`");
  const kind = (((body[0] ?? 0) & 7) << 5) | ((body[1] ?? 0) >> 3);
  const key = createPrivateKey({
    key: Buffer.concat([pkcs8, body.subarray(2)]),
    format: "der",
    type: "pkcs8",
  });
  const raw = createPublicKey(key).export({ format: "der", type: "spki" }).subarray(spki.length);
  const named = Buffer.concat([Buffer.from([kind]), raw]);
  const sum = Buffer.alloc(2);
  sum.writeUInt16LE(checksum(named));
  return { public: encode(Buffer.concat([named, sum])), sign: (data) => sign(null, Buffer.from(data), key) };
}

const publicKeys = new Map<string, KeyObject>();

/** Whether `signature` over `data` is that of the holder of a public key. A malformed key signs nothing. */
export function isSignedBy(publicKey: string, data: string, signature: Uint8Array): boolean {
  try {
    let key = publicKeys.get(publicKey);
    if (key === undefined) {
      const der = Buffer.concat([spki, checked(publicKey).subarray(1)]);
      key = createPublicKey({ key: der, format: "der", type: "spki" });
      if (publicKeys.size > 1000) publicKeys.clear();
      publicKeys.set(publicKey, key);
    }
    return verify(null, Buffer.from(data), key, signature);
  } catch {
    return false;
  }
}
