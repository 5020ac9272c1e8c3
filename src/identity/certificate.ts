/** One certificate: its key and signature from OpenSSL, what it says from a strict reading of its DER. */
import { hash, type KeyObject, X509Certificate } from "node:crypto";
import { DerReader, malformed, readOid, readOnly, readTime, tags } from "../runtime/der.ts";
import { Fault } from "../runtime/fault.ts";
import { type Extensions, readExtensions } from "./extensions.ts";
import { isSoundKey, isSoundSignature } from "./soundness.ts";

/** A certificate (RFC 5280). Times are unix seconds. */
export interface Certificate extends Extensions {
  /** `sha256:` and the hexadecimal SHA-256 of the DER. */
  readonly fingerprint: string;
  /** DER of the names; equal bytes are equal names. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  /** The one CN of the subject, if it has exactly one. */
  readonly cn: string | undefined;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly publicKey: KeyObject;
  /** Whether the holder of `key` signed it. */
  isSignedBy(key: KeyObject): boolean;
}

const oidOfCn = "2.5.4.3";
const texts: readonly number[] = [tags.utf8String, tags.printableString, tags.ia5String];

function readCn(name: Uint8Array): string | undefined {
  const found: string[] = [];
  for (const set of new DerReader(readOnly(name, tags.sequence).value).all(tags.set)) {
    for (const pair of new DerReader(set.value).all(tags.sequence)) {
      const reader = new DerReader(pair.value);
      const type = readOid(reader.next(tags.oid));
      const text = reader.next();
      reader.end();
      if (type === oidOfCn && texts.includes(text.tag)) found.push(Buffer.from(text.value).toString("utf8"));
    }
  }
  return found.length === 1 ? found[0] : undefined;
}

function open(der: Uint8Array): X509Certificate {
  let opened: X509Certificate;
  try {
    opened = new X509Certificate(der);
  } catch {
    throw malformed();
  }
  // INVARIANT: the key and the signature are those of the bytes read here. Node looks for a PEM block before it
  // tries DER, so bytes that hold somebody else's certificate as text would be opened as that one.
  if (Buffer.compare(opened.raw, der) !== 0) throw malformed();
  return opened;
}

/**
 * Reads a DER certificate of version 3. Nothing about it is proven yet.
 * @throws Fault `proof_invalid` where it is malformed, or its key or signature algorithm is not accepted.
 */
export function readCertificate(der: Uint8Array): Certificate {
  const outer = new DerReader(readOnly(der, tags.sequence).value);
  const body = new DerReader(outer.next(tags.sequence).value);
  const algorithm = outer.next(tags.sequence);
  outer.next(tags.bitString);
  outer.end();

  const version = readOnly(body.next(0xa0).value, tags.integer).value;
  if (version.length !== 1 || version[0] !== 2) throw malformed();
  body.next(tags.integer);
  const inner = body.next(tags.sequence);
  if (Buffer.compare(inner.whole, algorithm.whole) !== 0) throw malformed();
  const issuer = body.next(tags.sequence).whole;
  const validity = new DerReader(body.next(tags.sequence).value);
  const notBefore = readTime(validity.next());
  const notAfter = readTime(validity.next());
  validity.end();
  const subject = body.next(tags.sequence).whole;
  body.next(tags.sequence);
  body.optional(0x81);
  body.optional(0x82);
  const extensions = readExtensions(body.optional(0xa3)?.value);
  body.end();

  if (!isSoundSignature(algorithm.value)) {
    throw new Fault("proof_invalid", "a certificate is signed with an algorithm that is not accepted");
  }
  const opened = open(der);
  let publicKey: KeyObject;
  try {
    publicKey = opened.publicKey;
  } catch {
    throw malformed();
  }
  if (!isSoundKey(publicKey)) {
    throw new Fault(
      "proof_invalid",
      "the key of a certificate is too weak or of a kind that is not accepted",
    );
  }
  return {
    ...extensions,
    fingerprint: `sha256:${hash("sha256", der, "hex")}`,
    issuer,
    subject,
    cn: readCn(subject),
    notBefore,
    notAfter,
    publicKey,
    isSignedBy: (key) => opened.verify(key),
  };
}

const block = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g;

/** The certificates of a PEM text as DER, in its order. */
export function fromPem(pem: string): Uint8Array[] {
  return [...pem.matchAll(block)].map(([, body = ""]) => Buffer.from(body, "base64"));
}
