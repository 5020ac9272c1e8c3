/** Credentials, firmware and attestation of packed devices. */
import type { Attestation, Claim, CredentialRecord, DeviceRecord } from "../decision/facts.ts";
import type { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";
import {
  at,
  bit,
  list,
  numberOrNull,
  numbers,
  numbersOf,
  optional,
  presence,
  texts,
} from "./packed-words.ts";
import {
  credentialStatuses,
  credentialTypes,
  firmwareChannels,
  keyProtections,
  trustTiers,
  usages,
} from "./record-words.ts";

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };
type Firmware = NonNullable<DeviceRecord["firmware"]>;

/** What the registry knows of one credential. */
export function packCredential(writer: ByteWriter, each: CredentialRecord): void {
  const { claim, not_after, not_before, verifier } = each;
  writer.byte(
    at(credentialStatuses, each.status) |
      bit(2, not_before !== undefined) |
      bit(3, not_after !== undefined) |
      bit(4, verifier !== undefined) |
      bit(5, claim !== undefined),
  );
  writer.number(each.bound_at);
  writer.number(each.last_used_at);
  writer.number(each.devices);
  writer.byte(optional(credentialTypes, each.type));
  writer.byte(optional(keyProtections, each.key_protection) * 4 + optional(usages, each.usage));
  if (not_before !== undefined) writer.number(not_before);
  if (not_after !== undefined) writer.number(not_after);
  if (verifier !== undefined) writer.text(verifier);
  if (claim === undefined) return;
  writer.byte(bit(0, claim.single_use) | bit(1, claim.used));
  texts(writer, claim.device_ids);
}

/**
 * The inverse. The usual shape is made at once: members that are added one by one cost several times as much, and far
 * more where V8 keeps no transitions any more, as in a process that made many objects with names of their own.
 */
export function unpackCredential(reader: ByteReader): CredentialRecord {
  const first = reader.byte();
  const status = credentialStatuses[first & 3] as CredentialRecord["status"];
  const bound_at = reader.number();
  const last_used_at = reader.number();
  const devices = reader.number();
  const type = credentialTypes[reader.byte() - 1];
  const rest = reader.byte();
  if (first >>> 2 === datesOnly && rest === 0 && type !== undefined) {
    const not_before = reader.number();
    return { status, bound_at, last_used_at, devices, type, not_before, not_after: reader.number() };
  }
  const record: Mutable<CredentialRecord> = { status, bound_at, last_used_at, devices };
  if (type !== undefined) record.type = type;
  if ((first & 4) !== 0) record.not_before = reader.number();
  if ((first & 8) !== 0) record.not_after = reader.number();
  if (rest >>> 2 !== 0)
    record.key_protection = keyProtections[(rest >>> 2) - 1] as (typeof keyProtections)[number];
  if ((rest & 3) !== 0) record.usage = usages[(rest & 3) - 1] as (typeof usages)[number];
  if ((first & 16) !== 0) record.verifier = reader.text();
  if ((first & 32) !== 0) record.claim = unpackClaim(reader);
  return record;
}

/** Of what may be absent in a credential, `not_before` and `not_after`. */
const datesOnly = 3;

function unpackClaim(reader: ByteReader): Claim {
  const flags = reader.byte();
  return { single_use: (flags & 1) !== 0, used: (flags & 2) !== 0, device_ids: list(reader) };
}

/** The firmware of a device. */
export function packFirmware(
  writer: ByteWriter,
  { attested_key, channel, components, key, svn, version }: Firmware,
): void {
  writer.byte(
    at(firmwareChannels, channel) |
      (presence(key) << 2) |
      (presence(svn) << 4) |
      bit(6, attested_key !== undefined) |
      bit(7, components !== undefined),
  );
  writer.text(version);
  if (typeof key === "number") writer.number(key);
  if (typeof svn === "number") writer.number(svn);
  if (attested_key !== undefined) writer.number(attested_key);
  if (components !== undefined) numbers(writer, components);
}

/** The inverse. */
export function unpackFirmware(reader: ByteReader): Firmware {
  const first = reader.byte();
  const channel = firmwareChannels[first & 3] as Firmware["channel"];
  const version = reader.name();
  const key = numberOrNull(reader, (first >>> 2) & 3);
  const svn = numberOrNull(reader, (first >>> 4) & 3);
  if (first >>> 6 === keyOnly && key !== undefined && svn !== undefined)
    return { version, channel, key, svn, attested_key: reader.number() };
  const firmware: Mutable<Firmware> = { version, channel };
  if (key !== undefined) firmware.key = key;
  if (svn !== undefined) firmware.svn = svn;
  if ((first & 64) !== 0) firmware.attested_key = reader.number();
  if ((first & 128) !== 0) firmware.components = numbersOf(reader);
  return firmware;
}

/** Of what may be absent in firmware beside its key and number, `attested_key`. */
const keyOnly = 1;

/** An attestation result, beside the fingerprints of its device. */
export function packAttestation(
  writer: ByteWriter,
  { appraised_at, expires_at, key_fingerprint, status, vector, verifier }: Attestation,
  fingerprints: readonly string[],
): void {
  writer.byte(at(trustTiers, status) | bit(2, appraised_at !== undefined) | bit(3, expires_at !== undefined));
  numbers(writer, vector);
  writer.text(verifier);
  // Most often it is the key of a credential: its number is enough.
  const known = fingerprints.indexOf(key_fingerprint) + 1;
  writer.number(known);
  if (known === 0) writer.text(key_fingerprint);
  if (appraised_at !== undefined) writer.number(appraised_at);
  if (expires_at !== undefined) writer.number(expires_at);
}

/** The inverse. */
export function unpackAttestation(reader: ByteReader, fingerprints: readonly string[]): Attestation {
  const first = reader.byte();
  const vector = numbersOf(reader);
  const verifier = reader.name();
  const known = reader.number();
  const status = trustTiers[first & 3] as Attestation["status"];
  const key_fingerprint = known === 0 ? reader.text() : (fingerprints[known - 1] ?? "");
  if (first >>> 2 === bothTimes) {
    const appraised_at = reader.number();
    return { status, vector, verifier, key_fingerprint, appraised_at, expires_at: reader.number() };
  }
  const attestation: Mutable<Attestation> = { status, vector, verifier, key_fingerprint };
  if ((first & 4) !== 0) attestation.appraised_at = reader.number();
  if ((first & 8) !== 0) attestation.expires_at = reader.number();
  return attestation;
}

/** Both times of an attestation. */
const bothTimes = 3;
