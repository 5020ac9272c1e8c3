import { UnsecuredJWT } from "jose";
import { describe, expect, it } from "vitest";
import { broker, identityOf, proverOf, refusalOf } from "./provers.ts";
import { makeIssuer } from "./tokens.ts";

const prod = await makeIssuer("k1");
const rsa = await makeIssuer("k1", "PS256");
const staging = await makeIssuer("k1");
const now = Math.floor(Date.now() / 1000);
const claims = {
  iss: "https://issuer.example",
  aud: "sallyport",
  sub: "spiffe://prod.example/tenant/acme/device/meter-001",
  iat: now,
  exp: now + 3600,
};
const prover = proverOf({
  trustDomains: [
    {
      name: "prod.example",
      jwks: prod.jwks,
      issuer: claims.iss,
      audience: claims.aud,
      key_protection: "tee",
    },
    { name: "staging.example", jwks: staging.jwks, issuer: "https://staging.example", audience: claims.aud },
    { name: "closed.example" },
  ],
});
const jwt = (token: string) => ({ type: "jwt", token }) as const;
const refused = async (changed: object, header?: Record<string, unknown>, by = prod) =>
  refusalOf(prover, jwt(await by.sign({ ...claims, ...changed }, header)));

describe("a device token", () => {
  it("proves the device that its SPIFFE id names", async () => {
    const { credential } = await identityOf(prover, jwt(await prod.sign(claims)));
    expect(credential).toEqual({
      type: "jwt",
      trust_domain: "prod.example",
      device_id: "meter-001",
      tenant: "acme",
      fingerprint: "jwt:k1",
      not_before: now,
      not_after: now + 3600,
      key_protection: "tee",
      usage: "telemetry",
    });
  });

  it("may name device and tenant in claims of their own", async () => {
    const token = await prod.sign({ ...claims, sub: "meter-002", tenant: "acme", nbf: now - 5 });
    const { credential } = await identityOf(prover, jwt(token));
    expect(credential).toMatchObject({ device_id: "meter-002", tenant: "acme", not_before: now - 5 });
  });

  it("is verified once: the second time the answer is there at once", async () => {
    const token = await prod.sign(claims);
    const [first, second] = await Promise.all([
      prover.prove(jwt(token), broker),
      prover.prove(jwt(token), broker),
    ]);
    expect(second).toBe(first);
    expect(prover.prove(jwt(token), broker)).toBe(first);
    // Another signature over the same claims is the same identity.
    expect(await identityOf(prover, jwt(await prod.sign(claims)))).toBe(
      "identity" in first && first.identity,
    );
  });

  it("leaves its validity to policies, but must state it", async () => {
    expect(await refused({ iat: now - 7200, exp: now - 3600 })).toBe("");
    expect(await refused({ nbf: now + 3600, exp: now + 7200 })).toBe("");
    expect(await refused({ exp: undefined })).toMatch(/no `exp`/);
    expect(await refused({ iat: undefined })).toMatch(/neither `nbf` nor `iat`/);
    expect(await refused({ exp: 1e20 })).toMatch(/`exp` .* not a time/);
    expect(await refused({ exp: -1 })).toMatch(/not a time/);
    expect(await refused({ nbf: "soon" })).toMatch(/not a time/);
  });

  it("is known by the key it is bound to", async () => {
    const of = async (cnf: object) =>
      (await identityOf(prover, jwt(await prod.sign({ ...claims, cnf })))).credential.fingerprint;
    const thumbprint = Buffer.alloc(32, 7).toString("base64url");
    expect(await of({ jkt: thumbprint })).toBe(`jkt:${thumbprint}`);
    expect(await of({ "x5t#S256": thumbprint })).toBe(`sha256:${"07".repeat(32)}`);
    expect(await refused({ cnf: { jkt: "short" } })).toMatch(/not understood/);
    expect(await refused({ cnf: {} })).toMatch(/not understood/);
    expect(await refused({ cnf: "x" })).toMatch(/not an object/);
    expect(await refused({}, { kid: undefined })).toMatch(/does not name the key/);
  });

  it("is refused with a wrong signature, key, algorithm, issuer or audience", async () => {
    expect(await refused({}, {}, staging)).toBe("the signature of the token is wrong");
    expect(await refused({}, { kid: "k2" })).toBe("the token names a key that its issuer does not have");
    expect(await refused({}, {}, rsa)).toMatch(/key that its issuer does not have|cannot be verified/);
    expect(await refused({ iss: "https://elsewhere.example" })).toMatch(/no trust domain accepts/);
    expect(await refused({ iss: "https://staging.example" })).toMatch(/signature/);
    expect(await refused({ aud: "somebody else" })).toMatch(/another audience/);
    expect(await refused({ aud: undefined })).toMatch(/another audience/);
    expect(await refused({ aud: ["x", "sallyport"] })).toBe("");
    const token = await prod.sign(claims);
    const bent = token.slice(0, -2) + (token.endsWith("AA") ? "BB" : "AA");
    expect(await refusalOf(prover, jwt(bent))).toMatch(/signature|cannot be verified/);
    expect(await refusalOf(prover, jwt(new UnsecuredJWT(claims).encode()))).not.toBe("");
    expect(await refused({}, { crit: ["unheard-of"], "unheard-of": 1 }).catch(() => "unsigned")).not.toBe("");
  });

  it("cannot speak for another trust domain", async () => {
    expect(await refused({ sub: "spiffe://staging.example/tenant/acme/device/meter-001" })).toMatch(
      /another trust domain/,
    );
    const token = await staging.sign({ ...claims, iss: "https://staging.example" });
    expect(await refusalOf(prover, jwt(token))).toMatch(/another trust domain/);
  });

  it("is refused when it names no device", async () => {
    expect(await refused({ sub: "meter-002" })).toMatch(/no tenant/);
    expect(await refused({ sub: "meter-002", tenant: "a/b" })).toMatch(/no tenant/);
    expect(await refused({ sub: "a+b", tenant: "acme" })).toMatch(/no device id/);
    expect(await refused({ sub: undefined, tenant: "acme" })).toMatch(/no device id/);
    expect(await refused({ sub: 7 })).toMatch(/not text/);
  });

  it("is refused when it is garbage", async () => {
    for (const token of ["", "x", "a.b.c", "..", "eyJ.eyJ.x", "a".repeat(20_000)]) {
      expect(await refusalOf(prover, jwt(token)), token.slice(0, 10)).toMatch(/not a signed JWT|too long/);
    }
  });

  it("is not remembered beyond a change of trust while it was being verified", async () => {
    const changing = proverOf({
      trustDomains: [{ name: "prod.example", jwks: prod.jwks, issuer: claims.iss, audience: claims.aud }],
    });
    const token = jwt(await prod.sign(claims));
    const before = changing.prove(token, broker);
    changing.trust({ trustDomains: [] });
    await before;
    expect(await refusalOf(changing, token)).toMatch(/no trust domain/);
  });
});
