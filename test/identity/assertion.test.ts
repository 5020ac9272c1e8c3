import { describe, expect, it } from "vitest";
import type { Credential } from "../../src/decision/facts.ts";
import { broker, identityOf, proverOf, refusalOf, trusted } from "./provers.ts";

const credential: Credential = {
  type: "x509",
  trust_domain: "prod.example",
  device_id: "meter-001",
  tenant: "acme",
  fingerprint: "fp-meter-001-b",
  not_before: 100,
  not_after: 200,
  key_protection: "software",
  usage: "telemetry",
};
const asserted = (changed: object = {}) =>
  ({ type: "asserted", credential: { ...credential, ...changed } as Credential }) as const;
const prover = proverOf({});

describe("an assertion", () => {
  it("counts only from a peer that may vouch for credentials", async () => {
    expect(await refusalOf(prover, asserted())).toBe("peer `broker` may not vouch for credentials");
    expect((await identityOf(prover, asserted(), trusted)).credential).toEqual(credential);
    // What one peer may say, another may still not.
    expect(await refusalOf(prover, asserted(), { ...broker, may_assert: ["gateway", "actor"] })).not.toBe("");
  });

  it("is interned: equal credentials are one identity, others are not", async () => {
    const one = await identityOf(prover, asserted(), trusted);
    expect(await identityOf(prover, asserted(), trusted)).toBe(one);
    const keys = new Set<string>();
    const different = [
      {},
      { device_id: "meter-002" },
      { tenant: "acme2" },
      { tenant: "a", trust_domain: "cmeprod.example" },
      { not_after: 201 },
      { not_before: 1002, not_after: 0 },
      { type: "jwt" },
      { usage: "control" },
      { key_protection: "tpm" },
      { fingerprint: "fp" },
      { type: "claim", claim: { single_use: true, used: false, device_ids: ["a", "b"] } },
      { type: "claim", claim: { single_use: true, used: false, device_ids: ["ab"] } },
      { type: "claim", claim: { single_use: true, used: true, device_ids: ["ab"] } },
    ];
    for (const change of different) keys.add((await identityOf(prover, asserted(change), trusted)).key);
    expect(keys.size).toBe(different.length);
  });

  it("is refused with any value that is missing or malformed", async () => {
    const bad: Record<string, readonly unknown[]> = {
      type: ["", "tls", undefined],
      device_id: [
        "",
        "a/b",
        "a+b",
        "a#b",
        "a*b",
        "a>b",
        "a b",
        "a\u0000b",
        "a\ud800b",
        "a\u200bb",
        "x".repeat(257),
      ],
      tenant: ["", "a/b", "*"],
      trust_domain: ["", "a b"],
      fingerprint: ["", "-x", "a b", "x".repeat(257), "ü"],
      not_before: [-1, 1.5, Number.NaN, Infinity, undefined, 1e15],
      not_after: [-1, undefined],
      key_protection: ["", "hsm"],
      usage: ["", "both"],
      claim: [{ single_use: true, used: false, device_ids: ["a/b"] }],
    };
    for (const [name, values] of Object.entries(bad)) {
      for (const value of values) {
        expect(
          await refusalOf(prover, asserted({ [name]: value }), trusted),
          `${name} ${String(value)}`,
        ).toBe(`\`${name}\` of the asserted credential is missing or malformed`);
      }
    }
  });

  it("keeps nothing that is no member of a credential", async () => {
    const { credential: kept } = await identityOf(
      prover,
      asserted({ admin: true, device_id: "extra" }),
      trusted,
    );
    expect(kept).toEqual({ ...credential, device_id: "extra" });
  });
});
