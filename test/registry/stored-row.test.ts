/** Rows hold every field of every record, and say so where they are damaged. */
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CredentialRecord, DeviceRecord, RecordKey } from "../../src/decision/facts.ts";
import { packDevice } from "../../src/registry/packed-device.ts";
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
import { device, firmwarePolicy, tenant } from "./records.ts";

const validate = createRecordValidator();
const optional = { requiredKeys: [] as never[] };
const time = fc.oneof(
  fc.constantFrom(0, 247, 248, 65_535, 65_536, 4_294_967_295, 4_294_967_296),
  fc.integer({ min: 0, max: 253_402_300_799 }),
);
const count = fc.integer({ min: 0, max: 1_000_000_000 });
const text = fc.oneof(
  fc.string({ maxLength: 60 }),
  fc.string({ unit: "binary", maxLength: 60 }).filter((each) => each.isWellFormed()),
  fc.stringMatching(/^[0-9a-f]{30,70}$/),
  fc.constantFrom("", "none", "__proto__", "é".repeat(128), "A".repeat(64)),
);
const id = fc.oneof(
  fc.stringMatching(/^[a-z0-9._:-]{1,40}$/),
  fc.constantFrom("gw-1", "ü-1", "f".repeat(64), "x".repeat(256)),
);
const word = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.:-]{0,30}$/),
  fc.constantFrom("constructor", "toString", "9"),
);
const key = fc.oneof(fc.constantFrom(0, 1_000_000_000_000), count);
const fingerprint = fc.oneof(
  fc.stringMatching(/^[0-9a-f]{64}$/),
  fc.stringMatching(/^[A-Za-z0-9][!-~]{0,80}$/),
  fc.constantFrom("constructor", "toString"),
);

const credential: fc.Arbitrary<CredentialRecord> = fc
  .tuple(
    fc.record({
      status: fc.constantFrom("active", "superseded", "revoked"),
      bound_at: time,
      last_used_at: time,
      devices: count,
    }),
    fc.record(
      {
        type: fc.constantFrom("x509", "jwt", "psk", "gateway_asserted", "shared_token", "claim"),
        not_before: fc.integer({ min: 0, max: 1_000_000 }),
        not_after: fc.integer({ min: 1_000_000, max: 253_402_300_799 }),
        key_protection: fc.constantFrom("software", "secure_element", "tpm", "tee"),
        usage: fc.constantFrom("telemetry", "control"),
        verifier: text,
        claim: fc.record({
          single_use: fc.boolean(),
          used: fc.boolean(),
          device_ids: fc.array(id, { maxLength: 3 }),
        }),
      },
      optional,
    ),
  )
  .map(([always, rest]) => ({ ...always, ...rest }) as CredentialRecord);

/** Any device that the schema permits. */
const anyDevice = fc
  .tuple(
    fc.record({
      id,
      tenant: id,
      class: id,
      model: text,
      trust_domain: text.filter((each) => each !== ""),
      home_region: text,
      regions: fc.array(text, { maxLength: 3 }),
      hw_rev: text,
      zone: text,
      via: fc.array(id, { maxLength: 3 }),
      credentials: fc.dictionary(fingerprint, credential, { maxKeys: 3 }),
      support: fc.constantFrom(
        { support_ends_at: 5, eol_at: 0 },
        { support_ends_at: 1_900_000_000, eol_at: 253_402_300_799 },
      ),
      state: fc.record({
        lifecycle: fc.constantFrom(
          "provisioned",
          "enrolled",
          "active",
          "quarantined",
          "safe_mode",
          "recovery",
          "eol",
          "retired",
        ),
        quarantine: fc.record({
          active: fc.boolean(),
          mode: fc.constantFrom("constrain", "block"),
          since: time,
          by: text,
        }),
        last_seen_at: time,
        reentry_required_since: time,
        last_seq: fc.maxSafeNat(),
        signals: fc.array(fc.record({ type: word, expires_at: time }), { maxLength: 3 }),
      }),
      children: count,
      max_children: count,
      attestation: fc.option(
        fc
          .tuple(
            fc.record({
              status: fc.constantFrom("affirming", "warning", "contraindicated", "none"),
              vector: fc.dictionary(word, fc.integer({ min: -128, max: 127 }), { maxKeys: 4 }),
              verifier: text,
              key_fingerprint: text,
            }),
            fc.record(
              {
                appraised_at: fc.integer({ min: 0, max: 1000 }),
                expires_at: fc.integer({ min: 1000, max: 2000 }),
              },
              optional,
            ),
          )
          .map(([always, rest]) => ({ ...always, ...rest })),
      ),
      compliance: fc
        .tuple(
          fc.record({ status: fc.constantFrom("compliant", "non_compliant", "unknown") }),
          fc.record({ exception: fc.record({ id: text, expires_at: time }) }, optional),
        )
        .map(([always, rest]) => ({ ...always, ...rest })),
      ota: fc
        .tuple(
          fc.record({
            ring: count,
            attempts: count,
            last_release: text,
            in_progress: text,
            battery_pct: fc.integer({ min: 0, max: 100 }),
            mains: fc.boolean(),
            idle: fc.boolean(),
            tz_offset_s: fc.integer({ min: -86_400, max: 86_400 }),
          }),
          fc.record({ bucket: fc.integer({ min: 0, max: 9999 }) }, optional),
        )
        .map(([always, rest]) => ({ ...always, ...rest })),
    }),
    fc.record(
      {
        firmware: fc
          .tuple(
            fc.record({ version: text, channel: fc.constantFrom("production", "test", "debug") }),
            fc.record(
              {
                key: fc.option(key),
                svn: fc.option(count),
                attested_key: key,
                components: fc.dictionary(word, key, { maxKeys: 3 }),
              },
              optional,
            ),
          )
          .map(([always, rest]) => ({ ...always, ...rest })),
        provenance: fc.record(
          {
            firmware: fc.constantFrom("device", "operator"),
            readiness: fc.constantFrom("device", "operator"),
          },
          optional,
        ),
      },
      optional,
    ),
    fc.boolean(),
  )
  .map(([always, rest, own]) => {
    const all = { ...always, ...rest } as unknown as DeviceRecord;
    // As it is for most devices: the attested key is that of a credential.
    const [first] = Object.keys(all.credentials);
    return own && first !== undefined && all.attestation !== null
      ? { ...all, attestation: { ...all.attestation, key_fingerprint: first } }
      : all;
  });

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
