/** Writes certificates and requests of many kinds, part by part. */
import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { bits, extension, integer, oid, sequence, tlv } from "../der.ts";

/** A text of some type. */
export const text = (tag: number, value: string | Uint8Array): Buffer =>
  tlv(tag, Buffer.from(value as string));
/** A UTF8String. */
export const utf8 = (value: string): Buffer => text(0x0c, value);
/** A set. */
export const set = (...parts: readonly Uint8Array[]): Buffer => tlv(0x31, ...parts);
/** An attribute of a name. */
export const attribute = (type: string, value: Uint8Array): Buffer => sequence(oid(type), value);
/** A name of one attribute in each set. */
export const nameOf = (...pairs: readonly (readonly [type: string, value: Uint8Array])[]): Buffer =>
  sequence(...pairs.map(([type, value]) => set(attribute(type, value))));
const cn = (name: string): Buffer => nameOf(["2.5.4.3", utf8(name)]);
const utcTime = (value: string): Buffer => text(0x17, value);
const anyTime = (value: string): Buffer => text(0x18, value);

/** A kind of key, its signature algorithm and its way to sign. */
export interface Kind {
  readonly key: KeyObject;
  readonly algorithm: Buffer;
  sign(body: Uint8Array): Buffer;
}

const nothing = Buffer.from([5, 0]);
const rsaOid = "1.2.840.113549.1.1";

function rsaKind(modulusLength: number, last: number, hash: string): Kind {
  const { privateKey: key } = generateKeyPairSync("rsa", { modulusLength });
  return {
    key,
    algorithm: sequence(oid(`${rsaOid}.${last}`), nothing),
    sign: (body) => sign(hash, body, key),
  };
}

function ecKind(namedCurve: string, last: string, hash: string): Kind {
  const { privateKey: key } = generateKeyPairSync("ec", { namedCurve });
  return { key, algorithm: sequence(oid(`1.2.840.10045.4.${last}`)), sign: (body) => sign(hash, body, key) };
}

function edKind(): Kind {
  const { privateKey: key } = generateKeyPairSync("ed25519");
  return { key, algorithm: sequence(oid("1.3.101.112")), sign: (body) => sign(null, body, key) };
}

function pssKind(salt: number): Kind {
  const { privateKey: key } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const hash = sequence(oid("2.16.840.1.101.3.4.2.1"), nothing);
  const mask = sequence(oid(`${rsaOid}.8`), hash);
  const parameters = sequence(tlv(0xa0, hash), tlv(0xa1, mask), tlv(0xa2, integer(salt)));
  return {
    key,
    algorithm: sequence(oid(`${rsaOid}.10`), parameters),
    sign: (body) => sign("sha256", body, { key, padding: 6, saltLength: salt }),
  };
}

/** Kinds of keys by name. */
export const kinds = {
  rsa: rsaKind(2048, 11, "sha256"),
  "rsa sha512": rsaKind(1024, 13, "sha512"),
  "rsa sha1": rsaKind(1024, 5, "sha1"),
  pss: pssKind(32),
  "pss of another salt": pssKind(20),
  p256: ecKind("P-256", "3.2", "sha256"),
  p384: ecKind("P-384", "3.3", "sha384"),
  p521: ecKind("P-521", "3.4", "sha512"),
  secp256k1: ecKind("secp256k1", "3.2", "sha256"),
  ed25519: edKind(),
} satisfies Record<string, Kind>;

/** What a certificate says, each part as its DER. */
export interface Parts {
  readonly key?: Kind;
  readonly issuer?: Kind;
  readonly version?: Buffer;
  readonly serial?: Buffer;
  readonly issuerName?: Buffer;
  readonly subject?: Buffer;
  readonly times?: readonly [Buffer, Buffer];
  readonly extensions?: readonly Buffer[];
}

const spkiOf = (key: KeyObject): Buffer => createPublicKey(key).export({ format: "der", type: "spki" });

/** A certificate. */
export function certificate(parts: Parts = {}): Buffer {
  const { key = kinds.p256, extensions = [], subject = cn("device") } = parts;
  const { issuer = key, issuerName = subject } = parts;
  const body = sequence(
    parts.version ?? tlv(0xa0, integer(2)),
    parts.serial ?? integer(7),
    issuer.algorithm,
    issuerName,
    sequence(...(parts.times ?? [utcTime("240101000000Z"), anyTime("20991231235959Z")])),
    subject,
    spkiOf(key.key),
    ...(extensions.length === 0 ? [] : [tlv(0xa3, sequence(...extensions))]),
  );
  return sequence(body, issuer.algorithm, bits(0, issuer.sign(body)));
}

/** A certificate request with attributes. */
export function request(
  attributes: readonly Buffer[],
  subject: Buffer = cn("device"),
  kind: Kind = kinds.p256,
): Buffer {
  const info = sequence(integer(0), subject, spkiOf(kind.key), tlv(0xa0, ...attributes));
  return sequence(info, kind.algorithm, bits(0, kind.sign(info)));
}

const san = (...names: readonly (readonly [tag: number, value: string | readonly number[]])[]): Buffer =>
  extension(
    "2.5.29.17",
    false,
    sequence(
      ...names.map(([tag, value]) => tlv(tag, typeof value === "string" ? Buffer.from(value) : value)),
    ),
  );
const uris = (...all: readonly string[]): Buffer => san(...all.map((uri) => [0x86, uri] as const));
const subtree = (tag: number, value: string | readonly number[]): Buffer =>
  sequence(tlv(tag, typeof value === "string" ? Buffer.from(value) : value));
const constraints = (permitted: readonly Buffer[], excluded: readonly Buffer[], critical = true): Buffer =>
  extension(
    "2.5.29.30",
    critical,
    sequence(
      ...(permitted.length === 0 ? [] : [tlv(0xa0, ...permitted)]),
      ...(excluded.length === 0 ? [] : [tlv(0xa1, ...excluded)]),
    ),
  );
const basic = (...parts: readonly Buffer[]): Buffer => extension("2.5.29.19", true, sequence(...parts));
const usage = (unused: number, ...bytes: readonly number[]): Buffer =>
  extension("2.5.29.15", true, bits(unused, bytes));
const purposes = (...oids: readonly string[]): Buffer =>
  extension("2.5.29.37", false, sequence(...oids.map((each) => oid(each))));
const policy = (...oids: readonly string[]): Buffer =>
  extension("2.5.29.32", false, sequence(...oids.map((each) => sequence(oid(each)))));

/** Writers of extensions, for chains. */
export const write = {
  san,
  uris,
  subtree,
  constraints,
  basic,
  usage,
  purposes,
  policy,
  cn,
  utcTime,
  anyTime,
};
