/**
 * Authorities and certificates for tests, made on the spot: P-256 keys, ECDSA with SHA-256, RFC 5280.
 *
 *   const authority = makeAuthority("factory");
 *   const device = authority.issue({ spiffe: "spiffe://prod.example/tenant/acme/device/meter-001" });
 *   const server = authority.issue({ cn: "localhost", dns: ["localhost"], ips: ["127.0.0.1"] });
 *
 * PEM strings go to TLS as they are; `chain` is DER, leaf first, without the root.
 */
import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from "node:crypto";
import { isIPv4 } from "node:net";
import { bits, commonName, extension, integer, octets, oid, sequence, time, tlv, yes } from "./der.ts";

/** What a certificate says. */
export interface CertificateOptions {
  /** Subject CN. Default: the first DNS name, else `device`. */
  readonly cn?: string;
  /** URI SANs. */
  readonly spiffe?: string | readonly string[];
  readonly dns?: readonly string[];
  /** IPv4 addresses, or `::1`. */
  readonly ips?: readonly string[];
  /** Days from now until it expires; default 30. Negative: expired. */
  readonly days?: number;
  /** Unix seconds; they go before `days`. */
  readonly notBefore?: number;
  readonly notAfter?: number;
  /** EKU clientAuth; default true. EKU serverAuth; default: whether it has a DNS name or an address. */
  readonly client?: boolean;
  readonly server?: boolean;
  /** Certificate policy OIDs. */
  readonly policies?: readonly string[];
  /** Whether it says that it is a CA; and of which path length. */
  readonly ca?: boolean;
  readonly pathLen?: number;
  /** First byte of the key usage bits; 0 leaves the extension out. Default: keyCertSign and cRLSign for a CA, digitalSignature else. */
  readonly keyUsage?: number;
  /** Further extensions, DER. */
  readonly extensions?: readonly Buffer[];
  /** Issuer CN that it claims, whoever signs. */
  readonly issuerName?: string;
}

/** A certificate with its private key. */
export interface Issued {
  readonly der: Buffer;
  readonly pem: string;
  readonly keyPem: string;
  readonly key: KeyObject;
  /** `sha256:` and the hexadecimal SHA-256 of the DER. */
  readonly fingerprint: string;
  /** DER, leaf first, with intermediates, without the root. */
  readonly chain: readonly Buffer[];
  /** The same as PEM. */
  readonly chainPem: string;
}

/** Somebody who issues certificates. */
export interface Authority extends Issued {
  readonly name: string;
  issue(options: CertificateOptions): Issued;
  /** An authority below this one; it says that it is a CA unless told otherwise. */
  intermediate(name: string, options?: CertificateOptions): Authority;
}

interface Issuer {
  readonly name: string;
  readonly key: KeyObject;
  readonly chain: readonly Buffer[];
}

const ecdsaWithSha256 = sequence(oid("1.2.840.10045.4.3.2"));

/** PEM of a DER certificate. */
export function toPem(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

/** Fingerprint of a DER certificate as device records name it. */
export function fingerprintOf(der: Uint8Array): string {
  return `sha256:${createHash("sha256").update(der).digest("hex")}`;
}

function keyId(key: KeyObject): Buffer {
  return createHash("sha1")
    .update(createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-65))
    .digest();
}

function extensionsOf(options: CertificateOptions, key: KeyObject, issuerKey: KeyObject): Buffer {
  const { ca = false, dns = [], ips = [], policies = [] } = options;
  const uris = options.spiffe === undefined ? [] : [options.spiffe].flat();
  const usage = options.keyUsage ?? (ca ? 0x06 : 0x80);
  const pathLen = options.pathLen === undefined ? [] : [integer(options.pathLen)];
  const purposes = [
    ...((options.client ?? true) ? ["1.3.6.1.5.5.7.3.2"] : []),
    ...((options.server ?? dns.length + ips.length > 0) ? ["1.3.6.1.5.5.7.3.1"] : []),
  ];
  const names = [
    ...uris.map((uri) => tlv(0x86, Buffer.from(uri))),
    ...dns.map((name) => tlv(0x82, Buffer.from(name))),
    ...ips.map((ip) => tlv(0x87, isIPv4(ip) ? ip.split(".").map(Number) : Buffer.alloc(16).fill(1, 15))),
  ];
  const list = [
    extension("2.5.29.19", true, ca ? sequence(yes, ...pathLen) : sequence()),
    ...(usage === 0 ? [] : [extension("2.5.29.15", true, bits(0, [usage]))]),
    extension("2.5.29.14", false, octets(keyId(key))),
    extension("2.5.29.35", false, sequence(tlv(0x80, keyId(issuerKey)))),
    ...(ca || purposes.length === 0
      ? []
      : [extension("2.5.29.37", false, sequence(...purposes.map((purpose) => oid(purpose))))]),
    ...(names.length === 0 ? [] : [extension("2.5.29.17", false, sequence(...names))]),
    ...(policies.length === 0
      ? []
      : [extension("2.5.29.32", false, sequence(...policies.map((policy) => sequence(oid(policy)))))]),
    ...(options.extensions ?? []),
  ];
  return tlv(0xa3, sequence(...list));
}

function issue(options: CertificateOptions, issuer: Issuer | undefined): Issued {
  const { privateKey: key, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const issuerKey = issuer?.key ?? key;
  const cn = options.cn ?? options.dns?.[0] ?? "device";
  const now = Math.floor(Date.now() / 1000);
  const notAfter = options.notAfter ?? now + (options.days ?? 30) * 86_400;
  const notBefore = options.notBefore ?? Math.min(now, notAfter) - 3600;
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  const body = sequence(
    tlv(0xa0, integer(2)),
    tlv(0x02, serial),
    ecdsaWithSha256,
    commonName(options.issuerName ?? issuer?.name ?? cn),
    sequence(time(notBefore), time(notAfter)),
    commonName(cn),
    publicKey.export({ format: "der", type: "spki" }),
    extensionsOf(options, key, issuerKey),
  );
  const der = sequence(body, ecdsaWithSha256, bits(0, sign("sha256", body, issuerKey)));
  const chain = [der, ...(issuer?.chain ?? [])];
  return {
    der,
    pem: toPem(der),
    keyPem: key.export({ format: "pem", type: "pkcs8" }).toString(),
    key,
    fingerprint: fingerprintOf(der),
    chain,
    chainPem: chain.map(toPem).join(""),
  };
}

function authorityOf(name: string, own: Issued, chain: readonly Buffer[]): Authority {
  const issuer: Issuer = { name, key: own.key, chain };
  return {
    ...own,
    name,
    issue: (options) => issue(options, issuer),
    intermediate: (below, options = {}) => {
      const issued = issue({ days: 365, ca: true, ...options, cn: below }, issuer);
      return authorityOf(below, issued, issued.chain);
    },
  };
}

/** A root of trust of its own. Its certificate is `pem`; leaves do not carry it in their chain. */
export function makeAuthority(name: string, options: CertificateOptions = {}): Authority {
  return authorityOf(name, issue({ days: 3650, ca: true, ...options, cn: name }, undefined), []);
}
