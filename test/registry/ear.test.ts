import { generateKeyPairSync } from "node:crypto";
import { exportJWK, SignJWT } from "jose";
import { describe, expect, it } from "vitest";
import { createEarReader } from "../../src/registry/ear.ts";
import { createRecordValidator } from "../../src/registry/record-validator.ts";
import { openRegistry } from "../../src/registry/registry.ts";
import { ManualClock } from "../../src/runtime/clock.ts";
import { device, now } from "./records.ts";

const profile = "tag:github.com,2023:veraison/ear";
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const stranger = generateKeyPairSync("ec", { namedCurve: "P-256" });
const jwks = { keys: [{ ...(await exportJWK(ec.publicKey)), kid: "k1", alg: "ES256" }] };
const verifiers = [{ name: "veraison-prod", jwks }];
const ear = createEarReader(verifiers);

const appraisal = {
  "ear.status": "affirming",
  "ear.trustworthiness-vector": { "instance-identity": 2, executables: 2 },
  cnf: { kid: "fp-meter-001" },
};
const claims = { eat_profile: profile, sub: "meter-001", submods: { "meter-001": appraisal } };
const sign = (body: object = {}, { key = ec.privateKey, alg = "ES256", kid = "k1" } = {}): Promise<string> =>
  new SignJWT({ ...claims, ...body })
    .setProtectedHeader({ alg, kid })
    .setIssuedAt(now - 60)
    .setExpirationTime(now + 900)
    .sign(key);

const expected = {
  status: "affirming",
  vector: { instance_identity: 2, executables: 2 },
  verifier: "veraison-prod",
  key_fingerprint: "fp-meter-001",
  appraised_at: now - 60,
  expires_at: now + 900,
};

describe("an attestation result (EAR)", () => {
  it("that a configured verifier has signed becomes the facts that policies read", async () => {
    expect(ear(await sign(), "meter-001")).toEqual(expected);
    const only = await sign({ submods: { platform: { ...appraisal, "ear.status": 32 } } });
    expect(ear(only, "meter-001").status).toBe("warning");
    const thumbprint = Buffer.alloc(32, 7);
    const bound = await sign({
      submods: { a: { ...appraisal, cnf: { "x5t#S256": thumbprint.toString("base64url") } } },
    });
    expect(ear(bound, "meter-001").key_fingerprint).toBe(`sha256:${thumbprint.toString("hex")}`);
  });

  it.each([
    ["RS256", generateKeyPairSync("rsa", { modulusLength: 2048 })],
    ["PS256", generateKeyPairSync("rsa", { modulusLength: 2048 })],
    ["EdDSA", generateKeyPairSync("ed25519")],
    ["ES384", generateKeyPairSync("ec", { namedCurve: "P-384" })],
  ])("is verified with %s", async (alg, pair) => {
    const other = createEarReader([{ name: "v", jwks: { keys: [await exportJWK(pair.publicKey)] } }]);
    expect(other(await sign({}, { key: pair.privateKey, alg }), "meter-001").verifier).toBe("v");
  });

  it("is believed of the device that it is about, and of no other", async () => {
    expect(() => ear("a.b", "meter-001")).toThrow("it is no JWT");
    const of = await sign();
    expect(() => ear(of, "meter-002")).toThrow("it is about another device");
    const nobodys = await sign({ sub: undefined, submods: { platform: appraisal } });
    expect(() => ear(nobodys, "meter-001")).toThrow("does not say which device");
  });

  it.each<[string, () => Promise<string>, string]>([
    [
      "of a stranger's key",
      () => sign({}, { key: stranger.privateKey }),
      "no configured verifier has signed it",
    ],
    ["with another key id", () => sign({}, { kid: "k2" }), "no configured verifier has signed it"],
    [
      "that was changed",
      async () => {
        const [head, , signature] = (await sign()).split(".");
        const body = Buffer.from(JSON.stringify({ ...claims, iat: now })).toString("base64url");
        return `${head}.${body}.${signature}`;
      },
      "no configured verifier has signed it",
    ],
    [
      "without a signature",
      async () => {
        const head = Buffer.from('{"alg":"none"}').toString("base64url");
        return `${head}.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.`;
      },
      "its algorithm is not accepted",
    ],
    [
      "signed with our public key as a secret",
      async () => {
        const secret = new TextEncoder().encode(JSON.stringify(jwks));
        return new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(secret);
      },
      "its algorithm is not accepted",
    ],
    ["of another profile", () => sign({ eat_profile: "x" }), "`eat_profile`"],
    ["with an odd status", () => sign({ submods: { a: { "ear.status": 3 } } }), "no trust tier"],
    [
      "with an odd claim",
      () => sign({ submods: { a: { ...appraisal, "ear.trustworthiness-vector": { hardware: 200 } } } }),
      "no signed byte",
    ],
    [
      "about two submodules, none of this name",
      () => sign({ submods: { a: appraisal, b: appraisal } }),
      "no submodule for this device",
    ],
  ])("%s is not believed", async (_name, make, why) => {
    const token = await make();
    expect(() => ear(token, "meter-001")).toThrow(why);
  });

  it("that is not believed counts as none, is told of, and leaves the rest of the record", async () => {
    const validate = createRecordValidator({ ear });
    const good = { ...device("meter-001"), attestation: { ear: await sign() } };
    const bad = {
      ...device("meter-001"),
      attestation: { ear: await sign({}, { key: stranger.privateKey }) },
    };
    expect(validate("device", structuredClone(good))).toMatchObject({ record: { attestation: expected } });
    const registry = await openRegistry({ memory: true, clock: new ManualClock(now) });
    const feed = registry.feed("test");
    await feed.snapshot({ asOfMs: 0, maxLostShare: 1 }, async (sink) => {
      expect(sink.put(validate("device", structuredClone(bad)), 1)).toBe(
        "`attestation`: no configured verifier has signed it; it counts as none",
      );
      return { trailer: true };
    });
    expect(registry.device("meter-001")?.record).toMatchObject({ attestation: null, class: "meter" });
    expect(registry.status().sources[0]?.rejected).toMatchObject([{ key: "device:meter-001" }]);
    const entry = validate("device", structuredClone(good));
    const outcome = await feed.apply(
      [
        { act: "upsert", entry, version: 1 },
        { act: "upsert", entry: validate("device", bad), version: 2 },
      ],
      { epoch: "e", revision: 2 },
    );
    expect(outcome).toEqual(["applied", { rejected: expect.stringContaining("no configured verifier") }]);
    expect(registry.device("meter-001")?.record?.attestation).toBeNull();
    await registry[Symbol.asyncDispose]();
  });

  it("that nobody signed counts where the configuration does not demand a signature, and only there", () => {
    const plain = (): object => ({ ...device("meter-001"), attestation: { ...expected } });
    expect(createRecordValidator({ ear })("device", plain()).record).toMatchObject({ attestation: expected });
    const strict = createRecordValidator({ ear, signedOnly: true })("device", plain());
    expect(strict).toMatchObject({
      record: { attestation: null },
      remark: expect.stringContaining("not signed"),
    });
  });

  it("needs public keys: a private one is a mistake that is told", async () => {
    const secret = { keys: [await exportJWK(ec.privateKey)] };
    expect(() => createEarReader([{ name: "v", jwks: secret }])).toThrow(/verifier `v` cannot be used/);
    expect(() => createEarReader([{ name: "v", jwks: {} }])).toThrow(/no JWKS/);
  });
});

describe("a record with impossible dates", () => {
  const validate = createRecordValidator();
  it.each<[string, object]>([
    [
      "a credential that ends before it begins",
      {
        credentials: {
          f: { status: "active", bound_at: 1, last_used_at: 1, devices: 1, not_before: 10, not_after: 9 },
        },
      },
    ],
    ["evidence that expires before it was appraised", { attestation: { ...expected, expires_at: now - 61 } }],
    ["a service that ends before its updates do", { support: { support_ends_at: 20, eol_at: 10 } }],
    ["a time before 1970", { state: { ...device("a").state, last_seen_at: -1 } }],
    ["a time after 9999", { state: { ...device("a").state, last_seen_at: 253_402_300_800 } }],
    ["half a second", { state: { ...device("a").state, last_seen_at: 0.5 } }],
    ["milliseconds", { state: { ...device("a").state, last_seen_at: now * 1000 } }],
    ["a text", { state: { ...device("a").state, last_seen_at: "2026-11-28" } }],
  ])("is isolated: %s", (_name, over) => {
    expect(validate("device", { ...device("a"), ...over })).toMatchObject({
      key: "device:a",
      invalid: expect.any(String),
    });
  });
});
