/** Whether a packed device has signals, without unpacking it: most have none, and every replaced record is asked. */
import { ByteReader } from "./byte-reader.ts";
import { skipToFingerprints } from "./packed-device.ts";
import { skipNumbers, skipTexts } from "./packed-words.ts";

const reader = new ByteReader(Buffer.alloc(0));

/** Passes over what stands before them, in the order of `packDevice`. Throws `RangeError` where the bytes are damaged. */
export function hasSignals(packed: Buffer): boolean {
  reader.over(packed, 0, packed.length);
  skipToFingerprints(reader);
  const credentials = reader.number();
  skipTexts(reader, credentials);
  const present = reader.byte();
  // Class, trust domain, home region, regions, hardware, zone.
  skipTexts(reader, 3);
  skipTexts(reader);
  skipTexts(reader, 2);
  for (let left = credentials; left > 0; left--) skipCredential();
  if ((present & 1) !== 0) skipFirmware();
  if ((present & 2) !== 0) skipAttestation();
  // Support, compliance.
  numbers(2);
  reader.byte();
  if ((present & 4) !== 0) {
    reader.skip();
    numbers(1);
  }
  // Quarantine, last seen, re-entry, sequence.
  reader.byte();
  numbers(1);
  reader.skip();
  numbers(3);
  return reader.number() > 0;
}

function numbers(count: number): void {
  for (let left = count; left > 0; left--) reader.number();
}

function skipCredential(): void {
  const first = reader.byte();
  numbers(3);
  reader.byte();
  reader.byte();
  if ((first & 4) !== 0) numbers(1);
  if ((first & 8) !== 0) numbers(1);
  if ((first & 16) !== 0) reader.skip();
  if ((first & 32) === 0) return;
  reader.byte();
  skipTexts(reader);
}

function skipFirmware(): void {
  const first = reader.byte();
  reader.skip();
  if (((first >>> 2) & 3) === 2) numbers(1);
  if (((first >>> 4) & 3) === 2) numbers(1);
  if ((first & 64) !== 0) numbers(1);
  if ((first & 128) !== 0) skipNumbers(reader);
}

function skipAttestation(): void {
  const first = reader.byte();
  skipNumbers(reader);
  reader.skip();
  if (reader.number() === 0) reader.skip();
  if ((first & 4) !== 0) numbers(1);
  if ((first & 8) !== 0) numbers(1);
}
