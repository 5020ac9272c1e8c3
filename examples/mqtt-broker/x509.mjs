/**
 * Just enough X.509 (RFC 5280) to issue demo certificates with `node:crypto` alone: P-256 keys, ECDSA with
 * SHA-256, names made of a CN, URI / DNS / IP subject alternative names. For demos and tests.
 */
import { createHash, createPublicKey, generateKeyPairSync, randomBytes, sign } from "node:crypto";

function tlv(tag, ...parts) {
  const value = Buffer.concat(parts.map((part) => Buffer.from(part)));
  if (value.length < 0x80) return Buffer.concat([Buffer.from([tag, value.length]), value]);
  const length = value.length < 0x100 ? [0x81, value.length] : [0x82, value.length >> 8, value.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), value]);
}

const sequence = (...parts) => tlv(0x30, ...parts);
const octets = (...parts) => tlv(0x04, ...parts);
const bits = (unused, bytes) => tlv(0x03, [unused], bytes);
const yes = tlv(0x01, [0xff]);

function oid(dotted) {
  const [first, second, ...rest] = dotted.split(".").map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const groups = [arc & 0x7f];
    for (let left = arc >> 7; left > 0; left >>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return tlv(0x06, bytes);
}

const name = (cn) => sequence(tlv(0x31, sequence(oid("2.5.4.3"), tlv(0x0c, Buffer.from(cn)))));
const time = (unix) =>
  tlv(0x17, Buffer.from(`${new Date(unix * 1000).toISOString().replace(/\D/g, "").slice(2, 14)}Z`));
const extension = (id, critical, value) => sequence(oid(id), ...(critical ? [yes] : []), octets(value));
const ecdsaWithSha256 = sequence(oid("1.2.840.10045.4.3.2"));

/** A new P-256 key pair. */
export function newKey() {
  return generateKeyPairSync("ec", { namedCurve: "P-256" });
}

function keyId(publicKey) {
  const point = publicKey.export({ format: "der", type: "spki" }).subarray(-65);
  return createHash("sha1").update(point).digest();
}

function extensions({ ca, publicKey, issuerKey, uris, dnsNames, addresses }) {
  const names = [
    ...uris.map((uri) => tlv(0x86, Buffer.from(uri))),
    ...dnsNames.map((dns) => tlv(0x82, Buffer.from(dns))),
    ...addresses.map((address) => tlv(0x87, address.split(".").map(Number))),
  ];
  const list = [
    extension("2.5.29.19", true, ca ? sequence(yes) : sequence()),
    extension("2.5.29.15", true, ca ? bits(1, [0x06]) : bits(7, [0x80])),
    extension("2.5.29.14", false, octets(keyId(publicKey))),
    extension("2.5.29.35", false, sequence(tlv(0x80, keyId(createPublicKey(issuerKey))))),
  ];
  if (!ca) {
    const purposes = ["1.3.6.1.5.5.7.3.2", ...(dnsNames.length > 0 ? ["1.3.6.1.5.5.7.3.1"] : [])];
    list.push(extension("2.5.29.37", false, sequence(...purposes.map(oid))));
  }
  if (names.length > 0) list.push(extension("2.5.29.17", false, sequence(...names)));
  return tlv(0xa3, sequence(...list));
}

/**
 * Issues a certificate. `notBefore` and `notAfter` are unix seconds before 2050. Without `issuer` it signs
 * itself. Returns DER.
 */
export function issue({
  cn,
  publicKey,
  issuer,
  key = issuer?.key,
  ca = false,
  uris = [],
  dnsNames = [],
  addresses = [],
  notBefore,
  notAfter,
}) {
  const serial = randomBytes(16);
  serial[0] = (serial[0] & 0x7f) | 0x40;
  const body = sequence(
    tlv(0xa0, tlv(0x02, [2])),
    tlv(0x02, serial),
    ecdsaWithSha256,
    name(issuer?.cn ?? cn),
    sequence(time(notBefore), time(notAfter)),
    name(cn),
    publicKey.export({ format: "der", type: "spki" }),
    extensions({ ca, publicKey, issuerKey: key, uris, dnsNames, addresses }),
  );
  return sequence(body, ecdsaWithSha256, bits(0, sign("sha256", body, key)));
}

/** PEM of a certificate. */
export function pem(der) {
  const lines = der.toString("base64").match(/.{1,64}/g);
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

/** Fingerprint as device records name it: `sha256:` and the hexadecimal SHA-256 of the DER. */
export function fingerprint(der) {
  return `sha256:${createHash("sha256").update(der).digest("hex")}`;
}
