/** Extensions of a certificate (RFC 5280, 4.2) as Go's `crypto/x509` reads them. */
import { DerReader, type Element, malformed, readOid, tags } from "../../runtime/der.ts";
import { type AlternativeNames, noNames, readAlternativeNames } from "./alternative-names.ts";
import { readArcs, readBits, readBoolean, readInteger, readNumber } from "./asn1.ts";
import { type NameConstraints, readNameConstraints, unconstrained } from "./name-constraints.ts";

/** An extension as it stands. */
export interface Extension {
  readonly Id: readonly number[];
  readonly Critical: boolean;
  readonly Value: Uint8Array;
}

/** What the extensions say. */
export interface Meaning {
  readonly names: AlternativeNames;
  readonly constraints: NameConstraints;
  readonly constraintsCritical: boolean;
  /** Go's bits: 1 digitalSignature, ... 32 keyCertSign. */
  readonly keyUsage: number;
  /** OIDs of extended key usages. */
  readonly purposes: readonly (readonly number[])[];
  /** Whether there are basic constraints. */
  readonly basic: boolean;
  readonly isCa: boolean;
  /** -1: any number; 0 without basic constraints. */
  readonly maxPathLength: number;
  readonly subjectKeyId: Uint8Array | null;
  readonly authorityKeyId: Uint8Array | null;
  readonly ocspServers: readonly string[];
  readonly issuingUrls: readonly string[];
  readonly crlPoints: readonly string[];
  /** Dotted OIDs; undefined without the extension. */
  readonly policies: readonly string[] | undefined;
  readonly policyMappings: readonly (readonly [issuer: string, subject: string])[];
  readonly requireExplicitPolicy: number | undefined;
  readonly inhibitPolicyMapping: number | undefined;
  readonly inhibitAnyPolicy: number | undefined;
  readonly unhandledCritical: readonly (readonly number[])[];
}

const inSequence = (bytes: Uint8Array): DerReader =>
  new DerReader(new DerReader(bytes).next(tags.sequence).value);
const rawText = ({ value }: Element): string => Buffer.from(value).toString("utf8");

/** The extensions that a conforming authority never marks as critical. */
const neverCritical = (critical: boolean): void => {
  if (critical) throw malformed();
};

function keyUsage(bytes: Uint8Array): number {
  const { bytes: octets } = readBits(new DerReader(bytes).next(tags.bitString));
  const bit = (at: number): number => (((octets[at >> 3] ?? 0) >> (7 - (at & 7))) & 1) << at;
  return [0, 1, 2, 3, 4, 5, 6, 7, 8].reduce((sum, at) => sum | bit(at), 0);
}

function basicConstraints(bytes: Uint8Array): Partial<Meaning> {
  const reader = inSequence(bytes);
  const ca = reader.optional(tags.boolean);
  const length = reader.optional(tags.integer);
  const maxPathLength = length === undefined ? -1 : readNumber(length);
  if (length !== undefined && maxPathLength < 0) throw malformed();
  return { basic: true, isCa: ca !== undefined && readBoolean(ca), maxPathLength };
}

function crlPoints(bytes: Uint8Array): string[] {
  return inSequence(bytes)
    .all(tags.sequence)
    .flatMap(({ value }) => {
      const name = new DerReader(value).optional(0xa0);
      if (name === undefined) return [];
      const full = new DerReader(new DerReader(name.value).next(0xa0).value);
      const uris: string[] = [];
      for (let uri = full.optional(0x86); uri !== undefined; uri = full.optional(0x86))
        uris.push(rawText(uri));
      return uris;
    });
}

function policies(bytes: Uint8Array): string[] {
  const oids = inSequence(bytes)
    .all(tags.sequence)
    .map(({ value }) => readOid(new DerReader(value).next(tags.oid)));
  if (new Set(oids).size !== oids.length) throw malformed();
  return oids;
}

function policyConstraints(bytes: Uint8Array): Partial<Meaning> {
  const reader = inSequence(bytes);
  const read = (tag: number): number | undefined => {
    const element = reader.optional(tag);
    return element === undefined ? undefined : readNumber(element);
  };
  return { requireExplicitPolicy: read(0x80), inhibitPolicyMapping: read(0x81) };
}

function accessInformation(bytes: Uint8Array): Partial<Meaning> {
  const places = inSequence(bytes)
    .all(tags.sequence)
    .map(({ value }) => {
      const reader = new DerReader(value);
      const method = readArcs(reader.next(tags.oid)).join(".");
      const uri = reader.optional(0x86);
      return { method, uri: uri === undefined ? undefined : rawText(uri) };
    });
  const by = (method: string): string[] =>
    places.flatMap(({ method: own, uri }) => (own === method && uri !== undefined ? [uri] : []));
  return { ocspServers: by("1.3.6.1.5.5.7.48.1"), issuingUrls: by("1.3.6.1.5.5.7.48.2") };
}

function alternativeNames(bytes: Uint8Array): Partial<Meaning> & { readonly unhandled: boolean } {
  const names = readAlternativeNames(bytes);
  const { dns, emails, ips, uris } = names;
  return { names, unhandled: dns.length + emails.length + ips.length + uris.length === 0 };
}

type Reader = (bytes: Uint8Array, critical: boolean) => Partial<Meaning> & { readonly unhandled?: boolean };

const readers: Readonly<Record<string, Reader>> = {
  "2.5.29.14": (bytes, critical) => {
    neverCritical(critical);
    return { subjectKeyId: new DerReader(bytes).next(tags.octetString).value };
  },
  "2.5.29.15": (bytes) => ({ keyUsage: keyUsage(bytes) }),
  "2.5.29.17": alternativeNames,
  "2.5.29.19": basicConstraints,
  "2.5.29.30": (bytes, critical) => {
    const constraints = readNameConstraints(bytes);
    return { constraints, constraintsCritical: critical, unhandled: constraints.unhandled };
  },
  "2.5.29.31": (bytes) => ({ crlPoints: crlPoints(bytes) }),
  "2.5.29.32": (bytes) => ({ policies: policies(bytes) }),
  "2.5.29.33": (bytes) => ({
    policyMappings: inSequence(bytes)
      .all(tags.sequence)
      .map(({ value }) => {
        const reader = new DerReader(value);
        return [readOid(reader.next(tags.oid)), readOid(reader.next(tags.oid))] as const;
      }),
  }),
  "2.5.29.35": (bytes, critical) => {
    neverCritical(critical);
    return { authorityKeyId: inSequence(bytes).optional(0x80)?.value ?? null };
  },
  "2.5.29.36": policyConstraints,
  "2.5.29.37": (bytes) => ({ purposes: inSequence(bytes).all(tags.oid).map(readArcs) }),
  "2.5.29.54": (bytes) => ({
    inhibitAnyPolicy: Number(readInteger(new DerReader(bytes).next(tags.integer))),
  }),
  "1.3.6.1.5.5.7.1.1": (bytes, critical) => {
    neverCritical(critical);
    return accessInformation(bytes);
  },
};

const absent: Meaning = {
  names: noNames,
  constraints: unconstrained,
  constraintsCritical: false,
  keyUsage: 0,
  purposes: [],
  basic: false,
  isCa: false,
  maxPathLength: 0,
  subjectKeyId: null,
  authorityKeyId: null,
  ocspServers: [],
  issuingUrls: [],
  crlPoints: [],
  policies: undefined,
  policyMappings: [],
  requireExplicitPolicy: undefined,
  inhibitPolicyMapping: undefined,
  inhibitAnyPolicy: undefined,
  unhandledCritical: [],
};

/** Reads one extension as it stands. */
export function readExtension({ value }: Element): Extension {
  const reader = new DerReader(value);
  const Id = readArcs(reader.next(tags.oid));
  const critical = reader.optional(tags.boolean);
  return {
    Id,
    Critical: critical !== undefined && readBoolean(critical),
    Value: reader.next(tags.octetString).value,
  };
}

/** Reads what extensions mean. @throws where Go refuses one, or one comes twice */
export function readMeaning(extensions: readonly Extension[]): Meaning {
  const seen = new Set<string>();
  const unhandledCritical: (readonly number[])[] = [];
  let meaning = absent;
  for (const { Id, Critical, Value } of extensions) {
    const id = Id.join(".");
    if (seen.has(id)) throw malformed();
    seen.add(id);
    const { unhandled = false, ...read } = readers[id]?.(Value, Critical) ?? { unhandled: true };
    if (unhandled && Critical) unhandledCritical.push(Id);
    meaning = { ...meaning, ...read };
  }
  return { ...meaning, unhandledCritical };
}
