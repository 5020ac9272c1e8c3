/** Certificates (RFC 5280) as Go's `crypto/x509` parses and tells them. */
import { DerReader, malformed, readOnly, tags } from "../../runtime/der.ts";
import { addressText, toldNames } from "./alternative-names.ts";
import { type Moment, readInteger, readMoment, readNumber, readRightAligned, readText } from "./asn1.ts";
import { type Extension, type Meaning, readExtension, readMeaning } from "./extensions.ts";
import { orNull } from "./go-json.ts";
import { type Name, readName } from "./name.ts";
import type { Network, Subtrees } from "./name-constraints.ts";
import { type PublicKey, readPublicKey } from "./public-key.ts";
import { purposeNumber } from "./purposes.ts";
import { readSignatureAlgorithm } from "./signature.ts";

/** A certificate; what it says is not proven. Bytes are shared with what it was read from. */
export interface Certificate extends Meaning {
  readonly raw: Uint8Array;
  readonly body: Uint8Array;
  readonly spki: Uint8Array;
  readonly rawSubject: Uint8Array;
  readonly rawIssuer: Uint8Array;
  readonly signature: Uint8Array;
  readonly signatureAlgorithm: number;
  readonly publicKey: PublicKey;
  /** 1 to 3. */
  readonly version: number;
  readonly serial: bigint;
  readonly subject: Name;
  readonly issuer: Name;
  readonly notBefore: Moment;
  readonly notAfter: Moment;
  readonly extensions: readonly Extension[];
}

function extensionsOf(body: DerReader, version: number): readonly Extension[] {
  if (version > 1) {
    body.optional(0x81);
    body.optional(0x82);
  }
  const field = version === 3 ? body.optional(0xa3) : undefined;
  if (field === undefined) return [];
  return new DerReader(new DerReader(field.value).next(tags.sequence).value)
    .all(tags.sequence)
    .map(readExtension);
}

/** Reads the certificate that begins a reader. @throws where Go refuses it */
export function readCertificate(reader: DerReader): Certificate {
  const whole = reader.next(tags.sequence);
  const outer = new DerReader(whole.value);
  const tbs = outer.next(tags.sequence);
  const algorithm = outer.next(tags.sequence).value;
  const body = new DerReader(tbs.value);
  const stated = body.optional(0xa0);
  const version = stated === undefined ? 1 : 1 + readNumber(readOnly(stated.value, tags.integer));
  const serial = readInteger(body.next(tags.integer));
  if (version < 1 || version > 3 || serial < 0n) throw malformed();
  if (Buffer.compare(algorithm, body.next(tags.sequence).value) !== 0) throw malformed();
  const rawIssuer = body.next(tags.sequence).whole;
  const validity = new DerReader(body.next(tags.sequence).value);
  const [notBefore, notAfter] = [readMoment(validity.next()), readMoment(validity.next())];
  const rawSubject = body.next(tags.sequence).whole;
  const spki = body.next(tags.sequence).whole;
  const extensions = extensionsOf(body, version);
  return {
    ...readMeaning(extensions),
    raw: whole.whole,
    body: tbs.whole,
    spki,
    rawSubject,
    rawIssuer,
    signature: readRightAligned(outer.next(tags.bitString)),
    signatureAlgorithm: readSignatureAlgorithm(algorithm),
    publicKey: readPublicKey(spki),
    version,
    serial,
    subject: readName(rawSubject, readText),
    issuer: readName(rawIssuer, readText),
    notBefore,
    notAfter,
    extensions,
  };
}

/** Reads certificates that follow one another. */
export function readCertificates(der: Uint8Array): readonly Certificate[] {
  const reader = new DerReader(der);
  const certificates: Certificate[] = [];
  while (!reader.done) certificates.push(readCertificate(reader));
  return certificates;
}

const network = ({ ip, mask }: Network): unknown => ({ IP: addressText(ip), Mask: mask });

const subtrees = (word: string, { dns, ips, emails, uris }: Subtrees): object => ({
  [`${word}DNSDomains`]: orNull(dns),
  [`${word}IPRanges`]: orNull(ips.map(network)),
  [`${word}EmailAddresses`]: orNull(emails),
  [`${word}URIDomains`]: orNull(uris),
});

/** A number that may be absent, as Go tells such: zero, and whether it stands there. */
const optional = (word: string, value: number | undefined): object => ({
  [word]: value ?? 0,
  [`${word}Zero`]: value === 0,
});

const arcsOf = (dotted: string): readonly number[] => dotted.split(".").map(Number);

function policyFields({ policies, policyMappings, ...rest }: Meaning): object {
  const short = policies?.map(arcsOf).filter((arcs) => arcs.every((arc) => arc < 2 ** 31));
  return {
    PolicyIdentifiers: short ?? null,
    Policies: orNull(policies ?? []),
    PolicyMappings: orNull(
      policyMappings.map(([issuer, subject]) => ({
        IssuerDomainPolicy: issuer,
        SubjectDomainPolicy: subject,
      })),
    ),
    ...optional("InhibitAnyPolicy", rest.inhibitAnyPolicy),
    ...optional("InhibitPolicyMapping", rest.inhibitPolicyMapping),
    ...optional("RequireExplicitPolicy", rest.requireExplicitPolicy),
  };
}

/** The fields of Go's structure. */
export function toldCertificate(one: Certificate): object {
  const purposes = one.purposes.map((arcs) => purposeNumber(arcs.join(".")));
  return {
    Raw: one.raw,
    RawTBSCertificate: one.body,
    RawSubjectPublicKeyInfo: one.spki,
    RawSubject: one.rawSubject,
    RawIssuer: one.rawIssuer,
    Signature: one.signature,
    SignatureAlgorithm: one.signatureAlgorithm,
    PublicKeyAlgorithm: one.publicKey.algorithm,
    PublicKey: one.publicKey.told,
    Version: one.version,
    SerialNumber: one.serial,
    Issuer: one.issuer,
    Subject: one.subject,
    NotBefore: one.notBefore.text,
    NotAfter: one.notAfter.text,
    KeyUsage: one.keyUsage,
    Extensions: orNull(one.extensions),
    ExtraExtensions: null,
    UnhandledCriticalExtensions: orNull(one.unhandledCritical),
    ExtKeyUsage: orNull(purposes.filter((each) => each !== undefined)),
    UnknownExtKeyUsage: orNull(one.purposes.filter((_, at) => purposes[at] === undefined)),
    BasicConstraintsValid: one.basic,
    IsCA: one.isCa,
    MaxPathLen: one.maxPathLength,
    MaxPathLenZero: one.basic && one.maxPathLength === 0,
    SubjectKeyId: one.subjectKeyId,
    AuthorityKeyId: one.authorityKeyId,
    OCSPServer: orNull(one.ocspServers),
    IssuingCertificateURL: orNull(one.issuingUrls),
    ...toldNames(one.names),
    PermittedDNSDomainsCritical: one.constraintsCritical,
    ...subtrees("Permitted", one.constraints.permitted),
    ...subtrees("Excluded", one.constraints.excluded),
    CRLDistributionPoints: orNull(one.crlPoints),
    ...policyFields(one),
  };
}
