/**
 * Devices from their JSON to their stored bytes in one pass: what `JSON.parse`, the validator and {@link packDevice} make of
 * a text, for the texts of which nothing has to be said. All others are read by those.
 */
import type { ByteWriter } from "./byte-writer.ts";
import {
  attestation,
  claim,
  compliance,
  credential,
  device,
  exception,
  firmware,
  ota,
  plan,
  provenance,
  quarantine,
  signal,
  state,
  support,
} from "./device-columns.ts";
import { bit } from "./packed-words.ts";
import { absent, nil } from "./read-tape.ts";
import { factAuthors } from "./record-words.ts";
import {
  cell,
  countOf,
  firstOf,
  has,
  heldIn,
  isBefore,
  keyOf,
  nextOf,
  numberIf,
  numbers,
  optional,
  placeIn,
  presence,
  tape,
  text,
  texts,
} from "./tape-words.ts";

const toldByDevice = factAuthors.indexOf("device");
const gateway = Buffer.from("gateway");

/** What is written to now. */
let writer: ByteWriter;

/**
 * Appends to `to` the stored bytes of the device whose JSON stands from `from` to `end`; behind every record stands a newline.
 * Returns `false`, and appends nothing, where it has to be read in another way. `signedOnly`: whether attestation that nobody
 * has signed counts as none.
 */
export function packText(
  to: ByteWriter,
  bytes: Uint8Array,
  from: number,
  end: number,
  signedOnly: boolean,
): boolean {
  const base = tape.read(plan, bytes, from, end);
  if (base === undefined || !holds(base, signedOnly)) return false;
  writer = to;
  pack(base);
  return true;
}

/** The id of the device that {@link packText} has packed last. */
export function packedId(): string {
  // The device itself is what comes first on its tape.
  const id = cell(0, device.id);
  const start = tape.start(id);
  const { buffer, byteLength, byteOffset } = tape.bytes;
  return Buffer.from(buffer, byteOffset, byteLength).toString("latin1", start, start + tape.length(id));
}

/** What spans fields, as the validator has it; where it does not hold, that one says why. */
function holds(base: number, signedOnly: boolean): boolean {
  const told = has(base, device.provenance)
    ? cell(cell(base, device.provenance), provenance.firmware)
    : absent;
  if (isGateway(cell(base, device.class))) {
    if (!has(base, device.children) || !has(base, device.max_children)) return false;
  } else if (!has(base, device.firmware) && told !== toldByDevice) return false;
  let item = firstOf(cell(base, device.credentials));
  for (let left = countOf(cell(base, device.credentials)); left > 0; left--) {
    if (isBefore(heldIn(item), credential.not_after, credential.not_before)) return false;
    item = nextOf(item);
  }
  const appraisal = cell(base, device.attestation);
  if (appraisal !== absent && appraisal !== nil) {
    if (signedOnly || isBefore(appraisal, attestation.expires_at, attestation.appraised_at)) return false;
  }
  const supported = cell(base, device.support);
  const eol = cell(supported, support.eol_at);
  return eol === 0 || cell(supported, support.support_ends_at) <= eol;
}

function isGateway(text: number): boolean {
  const start = tape.start(text);
  return (
    tape.length(text) === gateway.length && gateway.every((code, index) => tape.bytes[start + index] === code)
  );
}

/** As `packDevice` does, field by field. */
function pack(base: number): void {
  const [credentials, life] = [cell(base, device.credentials), cell(base, device.state)];
  const [appraisal, complies, does] = [
    cell(base, device.attestation),
    cell(base, device.compliance),
    cell(base, device.ota),
  ];
  const attested = appraisal !== absent && appraisal !== nil;
  writer.byte(cell(life, state.lifecycle));
  text(writer, cell(base, device.tenant));
  // Its default is empty.
  if (has(base, device.model)) text(writer, cell(base, device.model));
  else writer.number(0);
  texts(writer, cell(base, device.via), heldIn);
  texts(writer, credentials, keyOf);
  writer.byte(
    bit(0, has(base, device.firmware)) |
      bit(1, attested) |
      bit(2, has(complies, compliance.exception)) |
      bit(3, has(does, ota.bucket)) |
      bit(4, has(base, device.provenance)) |
      bit(5, has(base, device.children)) |
      bit(6, has(base, device.max_children)),
  );
  text(writer, cell(base, device.class));
  text(writer, cell(base, device.trust_domain));
  text(writer, cell(base, device.home_region));
  texts(writer, cell(base, device.regions), heldIn);
  text(writer, cell(base, device.hw_rev));
  text(writer, cell(base, device.zone));
  let item = firstOf(credentials);
  for (let left = countOf(credentials); left > 0; left--) {
    packCredential(heldIn(item));
    item = nextOf(item);
  }
  if (has(base, device.firmware)) packFirmware(cell(base, device.firmware));
  if (attested) packAttestation(appraisal, credentials);
  const supported = cell(base, device.support);
  writer.number(cell(supported, support.support_ends_at));
  writer.number(cell(supported, support.eol_at));
  writer.byte(cell(complies, compliance.status));
  if (has(complies, compliance.exception)) {
    const except = cell(complies, compliance.exception);
    text(writer, cell(except, exception.id));
    writer.number(cell(except, exception.expires_at));
  }
  packState(life);
  packOta(does);
  if (has(base, device.provenance)) {
    const told = cell(base, device.provenance);
    writer.byte(optional(told, provenance.firmware));
    writer.byte(optional(told, provenance.readiness));
  }
  numberIf(writer, base, device.children);
  numberIf(writer, base, device.max_children);
}

function packCredential(base: number): void {
  const spent = cell(base, credential.claim);
  writer.byte(
    cell(base, credential.status) |
      bit(2, has(base, credential.not_before)) |
      bit(3, has(base, credential.not_after)) |
      bit(4, has(base, credential.verifier)) |
      bit(5, spent !== absent),
  );
  writer.number(cell(base, credential.bound_at));
  writer.number(cell(base, credential.last_used_at));
  writer.number(cell(base, credential.devices));
  writer.byte(optional(base, credential.type));
  writer.byte(optional(base, credential.key_protection) * 4 + optional(base, credential.usage));
  numberIf(writer, base, credential.not_before);
  numberIf(writer, base, credential.not_after);
  if (has(base, credential.verifier)) text(writer, cell(base, credential.verifier));
  if (spent === absent) return;
  writer.byte(bit(0, cell(spent, claim.single_use) === 1) | bit(1, cell(spent, claim.used) === 1));
  texts(writer, cell(spent, claim.device_ids), heldIn);
}

function packFirmware(base: number): void {
  const [key, svn] = [cell(base, firmware.key), cell(base, firmware.svn)];
  writer.byte(
    cell(base, firmware.channel) |
      (presence(key) << 2) |
      (presence(svn) << 4) |
      bit(6, has(base, firmware.attested_key)) |
      bit(7, has(base, firmware.components)),
  );
  text(writer, cell(base, firmware.version));
  if (presence(key) === 2) writer.number(key);
  if (presence(svn) === 2) writer.number(svn);
  numberIf(writer, base, firmware.attested_key);
  if (has(base, firmware.components)) numbers(writer, cell(base, firmware.components));
}

function packAttestation(base: number, credentials: number): void {
  writer.byte(
    cell(base, attestation.status) |
      bit(2, has(base, attestation.appraised_at)) |
      bit(3, has(base, attestation.expires_at)),
  );
  numbers(writer, cell(base, attestation.vector));
  text(writer, cell(base, attestation.verifier));
  const fingerprint = cell(base, attestation.key_fingerprint);
  const known = placeIn(credentials, fingerprint);
  writer.number(known);
  if (known === 0) text(writer, fingerprint);
  numberIf(writer, base, attestation.appraised_at);
  numberIf(writer, base, attestation.expires_at);
}

function packState(base: number): void {
  const held = cell(base, state.quarantine);
  writer.byte(bit(0, cell(held, quarantine.active) === 1) | (cell(held, quarantine.mode) << 1));
  writer.number(cell(held, quarantine.since));
  text(writer, cell(held, quarantine.by));
  writer.number(cell(base, state.last_seen_at));
  writer.number(cell(base, state.reentry_required_since));
  writer.number(cell(base, state.last_seq));
  const signals = cell(base, state.signals);
  const count = signals === absent ? 0 : countOf(signals);
  writer.number(count);
  let item = count === 0 ? 0 : firstOf(signals);
  for (let left = count; left > 0; left--) {
    text(writer, cell(heldIn(item), signal.type));
    writer.number(cell(heldIn(item), signal.expires_at));
    item = nextOf(item);
  }
}

function packOta(base: number): void {
  writer.byte(bit(0, cell(base, ota.mains) === 1) | bit(1, cell(base, ota.idle) === 1));
  writer.number(cell(base, ota.ring));
  numberIf(writer, base, ota.bucket);
  writer.number(cell(base, ota.attempts));
  text(writer, cell(base, ota.last_release));
  text(writer, cell(base, ota.in_progress));
  writer.number(cell(base, ota.battery_pct));
  writer.number(cell(base, ota.tz_offset_s));
}
