import fc from "fast-check";
import type { CredentialRecord, DeviceRecord } from "../../src/decision/facts.ts";

const optional = { requiredKeys: [] as never[] };
const time = fc.oneof(
  fc.constantFrom(0, 247, 248, 65_535, 65_536, 4_294_967_295, 4_294_967_296),
  fc.integer({ min: 0, max: 253_402_300_799 }),
);
export const count: fc.Arbitrary<number> = fc.integer({ min: 0, max: 1_000_000_000 });
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

/** Any device that the schema permits; what spans fields may be wrong with it. */
export const anyDevice: fc.Arbitrary<DeviceRecord> = fc
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
