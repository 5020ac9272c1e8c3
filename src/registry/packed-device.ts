/**
 * Device records in bytes: every field in a fixed order, so that no row carries names and every row can be read by
 * itself. What indexes and counts need comes first.
 */
import type { CredentialRecord, DeviceRecord, Signal } from "../decision/facts.ts";
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import {
  packAttestation,
  packCredential,
  packFirmware,
  unpackAttestation,
  unpackCredential,
  unpackFirmware,
} from "./packed-evidence.ts";
import { at, bit, list, names, optional, skipTexts, texts } from "./packed-words.ts";
import { complianceStatuses, factAuthors, lifecycles, quarantineModes } from "./record-words.ts";

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };

/** What counts and indexes read of a device, without the rest. */
export interface DeviceHead {
  readonly lifecycle: string;
  readonly tenant: string;
  readonly model: string;
  readonly via: readonly string[];
  /** Fingerprints of its credentials. */
  readonly fingerprints: readonly string[];
}

const writer = new ByteWriter();

/** The bytes of a record, but for its id, which its key holds; valid until the next call. */
export function packDevice(record: DeviceRecord): Buffer {
  writer.clear();
  const { firmware, attestation, compliance, credentials, ota, state } = record;
  writer.byte(at(lifecycles, state.lifecycle));
  writer.text(record.tenant);
  writer.text(record.model);
  texts(writer, record.via);
  const fingerprints = Object.keys(credentials);
  texts(writer, fingerprints);
  // What may be absent.
  writer.byte(
    bit(0, firmware !== undefined) |
      bit(1, attestation !== null) |
      bit(2, compliance.exception !== undefined) |
      bit(3, ota.bucket !== undefined) |
      bit(4, record.provenance !== undefined) |
      bit(5, record.children !== undefined) |
      bit(6, record.max_children !== undefined),
  );
  writer.text(record.class);
  writer.text(record.trust_domain);
  writer.text(record.home_region);
  texts(writer, record.regions);
  writer.text(record.hw_rev);
  writer.text(record.zone);
  for (const fingerprint of fingerprints)
    packCredential(
      writer,
      (credentials as Record<string, CredentialRecord>)[fingerprint] as CredentialRecord,
    );
  if (firmware !== undefined) packFirmware(writer, firmware);
  if (attestation !== null) packAttestation(writer, attestation, fingerprints);
  writer.number(record.support.support_ends_at);
  writer.number(record.support.eol_at);
  writer.byte(at(complianceStatuses, compliance.status));
  if (compliance.exception !== undefined) {
    writer.text(compliance.exception.id);
    writer.number(compliance.exception.expires_at);
  }
  packState(state);
  packOta(ota);
  if (record.provenance !== undefined) {
    const { firmware: told, readiness } = record.provenance;
    writer.byte(optional(factAuthors, told));
    writer.byte(optional(factAuthors, readiness));
  }
  if (record.children !== undefined) writer.number(record.children);
  if (record.max_children !== undefined) writer.number(record.max_children);
  return writer.view;
}

/** The lifecycle state in {@link packDevice}'s bytes. */
export function lifecycleOf(bytes: Uint8Array): string {
  return lifecycles[bytes[0] as number] as string;
}

/** The head of {@link packDevice}'s bytes from `from` on. */
export function headOfDevice(bytes: Buffer, from: number): DeviceHead {
  return readHead(new ByteReader(bytes, from));
}

/** Passes over lifecycle, tenant, model and gateways. */
export function skipToFingerprints(reader: ByteReader): void {
  reader.byte();
  reader.skip();
  reader.skip();
  skipTexts(reader);
}

/** Whether a device has the credential that follows `from` in `text`: nothing is made of its bytes, which `reader` is at. */
export function hasCredential(reader: ByteReader, text: string, from: number): boolean {
  skipToFingerprints(reader);
  for (let left = reader.number(); left > 0; left--) if (reader.same(text, from)) return true;
  return false;
}

/** Whether the heads of two devices are the same but for their lifecycle. */
export function sameHead(a: Buffer, b: Buffer): boolean {
  const reader = new ByteReader(a);
  skipToFingerprints(reader);
  skipTexts(reader);
  const { at } = reader;
  return b.length >= at && a.compare(b, 1, at, 1, at) === 0;
}

/** The record whose bytes begin at `from` and end at `end`. Throws `RangeError` where they are damaged. */
export function unpackDevice(id: string, bytes: Buffer, from: number, end: number): DeviceRecord {
  const reader = new ByteReader(bytes, from, end);
  const { fingerprints, lifecycle, model, tenant, via } = readHead(reader);
  const present = reader.byte();
  const deviceClass = reader.name();
  const trust_domain = reader.name();
  const home_region = reader.name();
  const regions = names(reader);
  const hw_rev = reader.name();
  const zone = reader.name();
  // Without a prototype, no name of a fingerprint means anything else.
  const credentials = Object.create(null) as Record<string, CredentialRecord>;
  for (const fingerprint of fingerprints) credentials[fingerprint] = unpackCredential(reader);
  const firmware = (present & 1) === 0 ? undefined : unpackFirmware(reader);
  const attestation = (present & 2) === 0 ? null : unpackAttestation(reader, fingerprints);
  const support = { support_ends_at: reader.number(), eol_at: reader.number() };
  const status = complianceStatuses[reader.byte()] as DeviceRecord["compliance"]["status"];
  const compliance =
    (present & 4) === 0
      ? { status }
      : { status, exception: { id: reader.text(), expires_at: reader.number() } };
  const state = unpackState(reader, lifecycle);
  const ota = unpackOta(reader, (present & 8) !== 0);
  const record: Mutable<DeviceRecord> = {
    id,
    tenant,
    class: deviceClass,
    model,
    trust_domain,
    home_region,
    regions,
    hw_rev,
    zone,
    via,
    credentials,
    attestation,
    support,
    compliance,
    state,
    ota,
  };
  if (firmware !== undefined) record.firmware = firmware;
  if ((present & 16) !== 0) record.provenance = unpackProvenance(reader);
  if ((present & 32) !== 0) record.children = reader.number();
  if ((present & 64) !== 0) record.max_children = reader.number();
  return record;
}

function readHead(reader: ByteReader): DeviceHead {
  return {
    lifecycle: lifecycles[reader.byte()] as string,
    tenant: reader.name(),
    model: reader.name(),
    via: list(reader),
    fingerprints: list(reader),
  };
}

function packState({
  last_seen_at,
  last_seq,
  quarantine,
  reentry_required_since,
  signals,
}: DeviceRecord["state"]): void {
  writer.byte(bit(0, quarantine.active) | (at(quarantineModes, quarantine.mode) << 1));
  writer.number(quarantine.since);
  writer.text(quarantine.by);
  writer.number(last_seen_at);
  writer.number(reentry_required_since);
  writer.number(last_seq);
  writer.number(signals.length);
  for (const { expires_at, type } of signals) {
    writer.text(type);
    writer.number(expires_at);
  }
}

function unpackState(reader: ByteReader, lifecycle: string): DeviceRecord["state"] {
  const first = reader.byte();
  const quarantine = {
    active: (first & 1) !== 0,
    mode: quarantineModes[first >>> 1] as "constrain" | "block",
    since: reader.number(),
    by: reader.name(),
  };
  return {
    lifecycle,
    quarantine,
    last_seen_at: reader.number(),
    reentry_required_since: reader.number(),
    last_seq: reader.number(),
    signals: signalsOf(reader),
  };
}

function signalsOf(reader: ByteReader): Signal[] {
  const signals: Signal[] = [];
  for (let left = reader.number(); left > 0; left--)
    signals.push({ type: reader.name(), expires_at: reader.number() });
  return signals;
}

function packOta(ota: DeviceRecord["ota"]): void {
  writer.byte(bit(0, ota.mains) | bit(1, ota.idle));
  writer.number(ota.ring);
  if (ota.bucket !== undefined) writer.number(ota.bucket);
  writer.number(ota.attempts);
  writer.text(ota.last_release);
  writer.text(ota.in_progress);
  writer.number(ota.battery_pct);
  writer.number(ota.tz_offset_s);
}

function unpackOta(reader: ByteReader, bucketed: boolean): DeviceRecord["ota"] {
  const first = reader.byte();
  const ring = reader.number();
  const bucket = bucketed ? reader.number() : undefined;
  const ota: Mutable<DeviceRecord["ota"]> = {
    ring,
    attempts: reader.number(),
    last_release: reader.name(),
    in_progress: reader.name(),
    battery_pct: reader.number(),
    mains: (first & 1) !== 0,
    idle: (first & 2) !== 0,
    tz_offset_s: reader.number(),
  };
  if (bucket !== undefined) ota.bucket = bucket;
  return ota;
}

function unpackProvenance(reader: ByteReader): NonNullable<DeviceRecord["provenance"]> {
  const provenance: Mutable<NonNullable<DeviceRecord["provenance"]>> = {};
  const [firmware, readiness] = [reader.byte(), reader.byte()];
  if (firmware !== 0) provenance.firmware = factAuthors[firmware - 1] as "device" | "operator";
  if (readiness !== 0) provenance.readiness = factAuthors[readiness - 1] as "device" | "operator";
  return provenance;
}
