import { describe, expect, it } from "vitest";
import type { CredentialRecord } from "../../src/decision/facts.ts";
import type { SecretEntry } from "../../src/identity/prover.ts";
import { SecretChecker } from "../../src/identity/secret-proof.ts";
import { isVerifier, makeVerifier } from "../../src/identity/verifier.ts";
import type { Fault } from "../../src/runtime/fault.ts";
import { broker, clockAtNow, identityOf, proverOf, refusalOf } from "./provers.ts";

const active: CredentialRecord = {
  status: "active",
  bound_at: 1,
  last_used_at: 0,
  devices: 1,
  type: "psk",
  not_before: 100,
  not_after: 200,
};
const entry = (record: Partial<CredentialRecord>, fingerprint = "psk-1"): SecretEntry => ({
  fingerprint,
  record: { ...active, ...record },
  tenant: "acme",
  trust_domain: "prod.example",
  device_id: "meter-001",
});
const verifier = makeVerifier("open sesame");
const secret = (name: string, text: string) => ({ type: "secret", name, secret: text }) as const;
const wrong = "the name or the secret is wrong";

/** A registry of one name, which tests may change. */
function proverWith(...entries: readonly SecretEntry[]) {
  const known = new Map<string, readonly SecretEntry[]>([["meter-001", entries]]);
  const clock = clockAtNow();
  return { known, clock, prover: proverOf({ secretsOf: (name) => known.get(name) ?? [] }, clock) };
}

describe("a shared secret", () => {
  it("proves what its record says", async () => {
    const { prover } = proverWith(entry({ verifier, key_protection: "secure_element", usage: "control" }));
    expect((await identityOf(prover, secret("meter-001", "open sesame"))).credential).toEqual({
      type: "psk",
      trust_domain: "prod.example",
      device_id: "meter-001",
      tenant: "acme",
      fingerprint: "psk-1",
      not_before: 100,
      not_after: 200,
      key_protection: "secure_element",
      usage: "control",
    });
  });

  it("is refused when name or secret is wrong, in the same words", async () => {
    const { prover } = proverWith(entry({ verifier }));
    for (const [name, text] of [
      ["meter-001", "open Sesame"],
      ["meter-002", "open sesame"],
      ["meter-001", ""],
      ["", "open sesame"],
      ["a/b", "open sesame"],
      ["meter-001", "\ud800"],
      ["meter-001", "x".repeat(5000)],
    ] as const) {
      expect(await refusalOf(prover, secret(name, text)), `${name} ${text.slice(0, 9)}`).toBe(wrong);
    }
    expect(await refusalOf(prover, secret("meter-001", "x".repeat(20_000)))).toMatch(/too long/);
    expect(await refusalOf(proverOf({}), secret("meter-001", "open sesame"))).toBe(
      "secrets are not accepted",
    );
  });

  it("is checked once: the second time the answer is there at once, until it is forgotten", async () => {
    const { prover, clock } = proverWith(entry({ verifier }));
    const evidence = secret("meter-001", "open sesame");
    const first = await prover.prove(evidence, broker);
    expect(prover.prove(evidence, broker)).toBe(first);
    const guess = secret("meter-001", "guess");
    expect(prover.prove(guess, broker)).toBeInstanceOf(Promise);
    await refusalOf(prover, guess);
    expect(prover.prove(guess, broker)).toEqual({ refused: wrong });
    clock.advance(61);
    expect(prover.prove(evidence, broker)).toBeInstanceOf(Promise);
  });

  it("is looked up at every use: a changed or removed verifier counts at once", async () => {
    const { prover, known } = proverWith(entry({ verifier }));
    const evidence = secret("meter-001", "open sesame");
    expect(await refusalOf(prover, evidence)).toBe("");
    known.set("meter-001", [entry({ verifier: makeVerifier("other") })]);
    expect(await refusalOf(prover, evidence)).toBe(wrong);
    known.set("meter-001", []);
    expect(await refusalOf(prover, evidence)).toBe(wrong);
    known.set("meter-001", [entry({ verifier, not_after: 300 })]);
    expect((await identityOf(prover, evidence)).credential.not_after).toBe(300);
  });

  it("may be one of several, such as while it is being rotated", async () => {
    const other = makeVerifier("second");
    const { prover } = proverWith(entry({ verifier }), entry({ verifier: other }, "psk-2"));
    expect((await identityOf(prover, secret("meter-001", "second"))).credential.fingerprint).toBe("psk-2");
  });

  it("carries the claim of a claim credential, and of no other", async () => {
    const claim = { single_use: true, used: false, device_ids: ["meter-001"] };
    const { prover, known } = proverWith(entry({ verifier, type: "claim", claim }));
    const evidence = secret("meter-001", "open sesame");
    expect((await identityOf(prover, evidence)).credential.claim).toEqual(claim);
    known.set("meter-001", [entry({ verifier, type: "shared_token", claim })]);
    expect((await identityOf(prover, evidence)).credential.claim).toBeUndefined();
  });

  it("proves nothing by a record that is no secret's or is incomplete", async () => {
    const evidence = secret("meter-001", "open sesame");
    const refusal = (record: Partial<CredentialRecord>) =>
      refusalOf(proverWith(entry({ verifier, ...record })).prover, evidence);
    expect(await refusal({ type: "x509" })).toBe(wrong);
    expect(await refusal({ verifier: "scrypt$1$1$1$x$y" })).toBe(wrong);
    const { not_after: _, ...open } = active;
    const lacking = proverWith({ ...entry({}), record: { ...open, verifier } });
    expect(await refusalOf(lacking.prover, evidence)).toMatch(/lacks its type or its validity/);
  });

  it("is turned away, not refused, when too many are being checked", async () => {
    const limits = { running: 1, waiting: 2, remembered: 10, rememberedS: 60 };
    const checker = new SecretChecker(() => [entry({ verifier })], clockAtNow(), limits);
    const guesses = ["1", "2", "3", "4", "5", "1"].map(async (guess) => checker.prove("meter-001", guess));
    const codes = (await Promise.allSettled(guesses)).map(
      (outcome) => outcome.status === "rejected" && (outcome.reason as Fault).code,
    );
    const [refused, away] = ["proof_invalid", "overloaded"];
    // The last one asks what the first one asked, and waits for its answer.
    expect(codes).toEqual([refused, refused, refused, away, away, refused]);
    expect(await checker.prove("meter-001", "open sesame")).toMatchObject({ device_id: "meter-001" });
  });
});

describe("a verifier", () => {
  it("is salted, and of the documented form", () => {
    expect(verifier).toMatch(/^scrypt\$16384\$8\$1\$[\w-]{22}\$[\w-]{43}$/);
    expect(makeVerifier("open sesame")).not.toBe(verifier);
    expect(isVerifier(verifier)).toBe(true);
    expect(() => makeVerifier("")).toThrow(/1 to 4096 bytes/);
    expect(() => makeVerifier("\udc00")).toThrow(/well-formed/);
  });

  it("is not usable with odd or ruinous costs", () => {
    const [, , , , salt, hash] = verifier.split("$");
    for (const cost of [
      "16383$8$1",
      "512$8$1",
      "1048576$32$1",
      "16384$0$1",
      "16384$8$0",
      "16384$8$99",
      "-1$8$1",
    ]) {
      expect(isVerifier(`scrypt$${cost}$${salt}$${hash}`), cost).toBe(false);
    }
    expect(isVerifier(`bcrypt$16384$8$1$${salt}$${hash}`)).toBe(false);
    expect(isVerifier(`scrypt$16384$8$1$$${hash}`)).toBe(false);
    expect(isVerifier(`${verifier}\n`)).toBe(false);
  });
});
