/** Certificate extensions (RFC 5280, 4.2): those that decide what a certificate may prove. */

import { DerReader, malformed, readOid, readOnly, readSmallInteger, tags } from "../runtime/der.ts";
import { Fault } from "../runtime/fault.ts";

/** What the extensions of a certificate say. */
export interface Extensions {
  readonly ca: boolean;
  /** CAs that may follow below it; `Infinity`: any number. */
  readonly pathLength: number;
  /** First byte of the key usage bits; `undefined`: any use. */
  readonly keyUsage: number | undefined;
  /** Extended key usages; `undefined`: any purpose. */
  readonly purposes: readonly string[] | undefined;
  /** Certificate policies; `undefined`: it names none. */
  readonly policies: readonly string[] | undefined;
  /** URI names of the subject. */
  readonly uris: readonly string[];
}

/** Bits of the first byte of the key usage. */
export const keyUsages = { digitalSignature: 0x80, keyCertSign: 0x04 } as const;

type Draft = { -readonly [Key in keyof Extensions]: Extensions[Key] };

function oids(bytes: Uint8Array): string[] {
  return new DerReader(readOnly(bytes, tags.sequence).value).all(tags.oid).map(readOid);
}

function readBasicConstraints(bytes: Uint8Array, draft: Draft): void {
  const reader = new DerReader(readOnly(bytes, tags.sequence).value);
  const ca = reader.optional(tags.boolean);
  const length = reader.optional(tags.integer);
  reader.end();
  draft.ca = ca !== undefined && ca.value[0] === 0xff;
  if (length !== undefined) draft.pathLength = readSmallInteger(length);
}

function readUris(bytes: Uint8Array): string[] {
  const uris: string[] = [];
  for (const { tag, value } of new DerReader(readOnly(bytes, tags.sequence).value).all()) {
    if (tag !== 0x86) continue;
    if (value.some((byte) => byte < 0x21 || byte > 0x7e)) throw malformed();
    uris.push(Buffer.from(value).toString("latin1"));
  }
  return uris;
}

const readers: Readonly<Record<string, (bytes: Uint8Array, draft: Draft) => void>> = {
  "2.5.29.19": readBasicConstraints,
  "2.5.29.15": (bytes, draft) => {
    const { value } = readOnly(bytes, tags.bitString);
    if (value.length < 2) throw malformed();
    draft.keyUsage = value[1];
  },
  "2.5.29.37": (bytes, draft) => {
    draft.purposes = oids(bytes);
  },
  "2.5.29.32": (bytes, draft) => {
    const infos = new DerReader(readOnly(bytes, tags.sequence).value).all(tags.sequence);
    draft.policies = infos.map((info) => readOid(new DerReader(info.value).next(tags.oid)));
  },
  "2.5.29.17": (bytes, draft) => {
    draft.uris = readUris(bytes);
  },
  "2.5.29.30": () => {
    throw new Fault("proof_invalid", "a certificate has name constraints, which are not supported");
  },
};

/**
 * Reads the `extensions` field. Unknown critical extensions are refused, as is what comes twice.
 * @throws Fault `proof_invalid`
 */
export function readExtensions(field: Uint8Array | undefined): Extensions {
  const draft: Draft = {
    ca: false,
    pathLength: Infinity,
    keyUsage: undefined,
    purposes: undefined,
    policies: undefined,
    uris: [],
  };
  const list =
    field === undefined ? [] : new DerReader(readOnly(field, tags.sequence).value).all(tags.sequence);
  const seen = new Set<string>();
  for (const { value } of list) {
    const reader = new DerReader(value);
    const id = readOid(reader.next(tags.oid));
    const critical = reader.optional(tags.boolean)?.value[0] === 0xff;
    const bytes = reader.next(tags.octetString).value;
    reader.end();
    if (seen.has(id)) throw malformed();
    seen.add(id);
    const read = readers[id];
    if (read !== undefined) read(bytes, draft);
    else if (critical) {
      throw new Fault(
        "proof_invalid",
        `a certificate has the critical extension \`${id}\`, which is unknown`,
      );
    }
  }
  return draft;
}
