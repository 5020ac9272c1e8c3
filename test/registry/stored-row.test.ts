/** Rows hold every field of every record, and say so where they are damaged. */
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DeviceRecord, RecordKey } from "../../src/decision/facts.ts";
import { packDevice } from "../../src/registry/packed-device.ts";
import { hasSignals } from "../../src/registry/packed-signals.ts";
import type { StoredValue } from "../../src/registry/record-store.ts";
import { createRecordValidator } from "../../src/registry/record-validator.ts";
import {
  fromRow,
  indexedIn,
  isNothing,
  PackedDevice,
  PackedValue,
  toRow,
  withVersion,
} from "../../src/registry/stored-row.ts";
import { anyDevice, count } from "./any-device.ts";
import { device, firmwarePolicy, tenant } from "./records.ts";

const validate = createRecordValidator();
/** A record as the validator leaves it; `undefined`: what spans fields is wrong with it. */
const valid = (record: DeviceRecord) =>
  validate("device", JSON.parse(JSON.stringify(record))).record as DeviceRecord | undefined;
const back = (key: string, value: StoredValue) => {
  const row = toRow(value);
  return fromRow(key, row, row.length) as StoredValue;
};

describe("the row of a device", () => {
  it("gives back every field", { timeout: 60_000 }, () => {
    let taken = 0;
    fc.assert(
      fc.property(anyDevice, fc.option(count), (given, version) => {
        const record = valid(given);
        fc.pre(record !== undefined);
        taken++;
        expect(hasSignals(packDevice(record))).toBe(record.state.signals.length > 0);
        const value = { revision: 7, source: "push:a", record, ...(version === null ? {} : { version }) };
        // Prototypes count: credentials have none.
        expect(isDeepStrictEqual(back(`device:${record.id}`, value), value)).toBe(true);
        expect(indexedIn(value)).toEqual({
          tenant: record.tenant,
          model: record.model,
          via: record.via,
          fingerprints: Object.keys(record.credentials),
        });
      }),
      { numRuns: 3000 },
    );
    expect(taken).toBeGreaterThan(1000);
  });

  it("is the same whether its record was packed before or not", () => {
    const record = valid(device("d1")) as DeviceRecord;
    const packed = new PackedDevice("device:d1", Buffer.from(packDevice(record)));
    const plain = { revision: 3, source: "file", version: 9, record };
    const value = new PackedValue(plain, packed) as StoredValue;
    expect(toRow(value)).toEqual(toRow(plain));
    expect(value.record).toEqual(record);
    expect(indexedIn(value)).toMatchObject(indexedIn(plain) ?? {});
    expect(toRow(withVersion(value, 12))).toEqual(toRow({ ...plain, version: 12 }));
    expect(toRow(withVersion(plain, 12))).toEqual(toRow({ ...plain, version: 12 }));
    expect(packed.lifecycle).toBe("active");
  });

  it("that is cut off anywhere, or is none, is refused", () => {
    const record = valid(device("d1", { via: ["gw-1"], attestation: null })) as DeviceRecord;
    const row = toRow({ revision: 300, source: "file", version: 70_000, record });
    for (let end = 0; end < row.length; end++)
      expect(() => fromRow("device:d1", row, end), `${end} of ${row.length}`).toThrow(RangeError);
    expect(() => fromRow("device:d1", Buffer.from("{}"), 2)).toThrow("the row of `device:d1` is damaged");
  });

  it("of a word that no schema has is not written", () => {
    const odd = device("d1");
    const state = { ...odd.state, lifecycle: "asleep" };
    expect(() => toRow({ revision: 1, source: "file", record: { ...odd, state } })).toThrow(
      "`asleep` is none of",
    );
  });
});

describe("the row of anything else", () => {
  it.each<readonly [RecordKey, StoredValue]>([
    ["tenant:acme", { revision: 1, source: "file", record: tenant("acme") }],
    [
      "firmware_policy:acme/meter",
      { revision: 2, source: "file", version: 4, record: firmwarePolicy("acme", "meter") },
    ],
    ["device:x", { revision: 2, source: "file", invalid: "given more than once" }],
    ["device:x", { revision: 2, source: "f", version: 1, invalid: "é".repeat(300) }],
  ])("of %s gives it back", (key, value) => {
    expect(back(key, value)).toEqual(value);
  });

  it("is a tombstone with its version, or nothing", () => {
    const gone = { gone: true, source: "push:a", version: 5_000_000_000 } as const;
    const row = toRow(gone);
    expect(fromRow("device:x", row, row.length)).toEqual(gone);
    expect(isNothing(row)).toBe(false);
    const nothing = toRow(null);
    expect(isNothing(nothing)).toBe(true);
    expect(fromRow("device:x", nothing, nothing.length)).toBeNull();
  });
});
