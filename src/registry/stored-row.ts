/** A stored value as LMDB holds it: bytes that can be read by themselves, in any process and thread. */
import type { DeviceRecord, RecordKey } from "../decision/facts.ts";
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { holdsTerm, type Indexed, type IndexTerm, indexedOf } from "./index-terms.ts";
import {
  hasCredential,
  headOfDevice,
  lifecycleOf,
  packDevice,
  sameHead,
  unpackDevice,
} from "./packed-device.ts";
import type { StoredValue, Tombstone } from "./record-store.ts";
import type { Validated } from "./record-validator.ts";
import type { AnyRecord } from "./stored-record.ts";

/** Every row begins with it. No MessagePack value does, of which rows were made up to layout 2. */
export const rowMark = 0xc1;
const devicePrefix = "device:";
/** What a row holds, its second byte. */
const holds = { nothing: 0, tombstone: 1, invalid: 2, device: 3, json: 4 } as const;

/** A device as it is stored, unpacked when somebody asks. */
export class PackedDevice {
  readonly key: RecordKey;
  declare readonly invalid?: undefined;
  /** What of the record was not taken, where the rest was. */
  declare readonly remark?: string;
  /** What {@link packDevice} has written. */
  readonly packed: Buffer;
  #record: DeviceRecord | undefined;

  constructor(key: RecordKey, packed: Buffer, remark?: string) {
    this.key = key;
    this.packed = packed;
    if (remark !== undefined) (this as { remark?: string }).remark = remark;
  }

  get record(): DeviceRecord {
    this.#record ??= unpackDevice(this.key.slice(devicePrefix.length), this.packed, 0, this.packed.length);
    return this.#record;
  }

  /** What indexes hold of it, without unpacking it. */
  get head(): Indexed {
    return headOfDevice(this.packed, 0);
  }

  /** What it counts as, without unpacking it. */
  get lifecycle(): string {
    return lifecycleOf(this.packed);
  }
}

/** Where a value stands. */
export interface Origin {
  readonly revision: number;
  readonly source: string;
  readonly version?: number;
}

/** A stored value whose record is still packed. */
export class PackedValue {
  readonly revision: number;
  readonly source: string;
  declare readonly version?: number;
  declare readonly invalid?: undefined;
  readonly device: PackedDevice;

  constructor({ revision, source, version }: Origin, device: PackedDevice) {
    this.revision = revision;
    this.source = source;
    if (version !== undefined) (this as { version?: number }).version = version;
    this.device = device;
  }

  get record(): AnyRecord {
    return this.device.record;
  }
}

/** The lifecycle of a device that is packed; `undefined`: it is none, or not packed. */
export function lifecycleIn(value: unknown): string | undefined {
  if (value instanceof PackedDevice) return value.lifecycle;
  return value instanceof PackedValue ? value.device.lifecycle : undefined;
}

/** The value of an entry. */
export function toValue(origin: Origin, entry: PackedDevice | Validated): StoredValue {
  if (entry instanceof PackedDevice) return new PackedValue(origin, entry);
  return entry.record === undefined
    ? { ...origin, invalid: entry.invalid }
    : { ...origin, record: entry.record };
}

/** A value whose record is there. */
export function unpacked(value: StoredValue): StoredValue {
  if (!(value instanceof PackedValue)) return value;
  const { record, revision, source, version } = value;
  return version === undefined ? { revision, source, record } : { revision, source, version, record };
}

/** The same value with another version. */
export function withVersion(value: StoredValue, version: number): StoredValue {
  const { invalid, record, revision, source } = value;
  if (value instanceof PackedValue) return new PackedValue({ revision, source, version }, value.device);
  return record === undefined
    ? { revision, source, version, invalid }
    : { revision, source, version, record };
}

/** What indexes hold of a value. */
export function indexedIn(value: StoredValue | Tombstone | null | undefined): Indexed | undefined {
  if (value === null || value === undefined || "gone" in value) return undefined;
  return value instanceof PackedValue ? value.device.head : indexedOf(value.record);
}

const writer = new ByteWriter();
const nothing = Buffer.from([rowMark, holds.nothing]);

/** The row of a value; `null` is a deletion that is staged. */
export function toRow(value: StoredValue | Tombstone | null): Buffer {
  if (value === null) return nothing;
  writer.clear();
  writer.byte(rowMark);
  if ("gone" in value) {
    head(holds.tombstone, 0, value.source, value.version);
    return Buffer.from(writer.view);
  }
  const { invalid, revision, source, version } = value;
  if (value instanceof PackedValue) {
    head(holds.device, revision, source, version);
    writer.bytes(value.device.packed);
  } else if (value.record === undefined) {
    head(holds.invalid, revision, source, version);
    writer.text(invalid ?? "unreadable");
  } else if ("via" in value.record) {
    head(holds.device, revision, source, version);
    writer.bytes(packDevice(value.record));
  } else {
    head(holds.json, revision, source, version);
    writer.bytes(Buffer.from(JSON.stringify(value.record)));
  }
  return Buffer.from(writer.view);
}

function head(what: number, revision: number, source: string, version: number | undefined): void {
  writer.byte(what);
  writer.number(revision);
  writer.text(source);
  writer.byte(version === undefined ? 0 : 1);
  if (version !== undefined) writer.number(version);
}

const reader = new ByteReader(Buffer.alloc(0));

/**
 * The inverse. `bytes` may be used again by whoever lends them. `packed`: a device is left packed. Throws `RangeError` where
 * they are damaged.
 */
export function fromRow(
  key: string,
  bytes: Buffer,
  end: number,
  packed = false,
): StoredValue | Tombstone | null {
  reader.over(bytes, 0, end);
  if (reader.byte() !== rowMark) throw new RangeError(`the row of \`${key}\` is damaged`);
  const what = reader.byte();
  if (what === holds.nothing) return null;
  const revision = reader.number();
  const source = reader.name();
  const version = reader.byte() === 0 ? undefined : reader.number();
  if (what === holds.tombstone) return { gone: true, source, version: version ?? 0 };
  const origin = version === undefined ? { revision, source } : { revision, source, version };
  if (what === holds.invalid) return { ...origin, invalid: reader.text() };
  const { at } = reader;
  if (what === holds.device && packed)
    return new PackedValue(origin, new PackedDevice(key as RecordKey, Buffer.from(bytes.subarray(at, end))));
  if (what === holds.device)
    return version === undefined
      ? { revision, source, record: unpackDevice(key.slice(devicePrefix.length), bytes, at, end) }
      : { revision, source, version, record: unpackDevice(key.slice(devicePrefix.length), bytes, at, end) };
  const record = JSON.parse(bytes.toString("utf8", at, end)) as AnyRecord;
  // Fingerprints are looked up by what a proof says: nothing may be found that the record does not hold.
  if ("credentials" in record) Object.setPrototypeOf(record.credentials, null);
  return { ...origin, record };
}

/** Whether what was and what is are found by the same terms, as far as their bytes tell. */
export function sameHeads(was: StoredValue | Tombstone | null | undefined, is: typeof was): boolean {
  return (
    was instanceof PackedValue && is instanceof PackedValue && sameHead(was.device.packed, is.device.packed)
  );
}

/** Whether a row says that nothing is there: a deletion that was staged. */
export function isNothing(bytes: Uint8Array): boolean {
  return bytes[1] === holds.nothing;
}

/** What indexes hold of the device of a row, without unpacking it; `undefined`: it holds no good device. */
export function indexedInRow(bytes: Buffer, end: number): Indexed | undefined {
  return toDevice(bytes, end) ? headOfDevice(bytes, reader.at) : undefined;
}

/** Whether the device of a row is found by `term`; of fingerprints, no text is made of its bytes. */
export function holdsTermInRow(bytes: Buffer, end: number, term: IndexTerm): boolean {
  if (!term.startsWith(fingerprint)) return holdsTerm(indexedInRow(bytes, end), term);
  return toDevice(bytes, end) && hasCredential(reader, term, fingerprint.length);
}

const fingerprint = "fingerprint:";

/** Goes to where the device of a row begins; false: it holds none. */
function toDevice(bytes: Buffer, end: number): boolean {
  reader.over(bytes, 0, end);
  if (reader.byte() !== rowMark || reader.byte() !== holds.device) return false;
  reader.number();
  reader.skip();
  if (reader.byte() !== 0) reader.number();
  return true;
}
