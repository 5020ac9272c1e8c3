import { describe, expect, it } from "vitest";
import { type Authority, type CertificateOptions, makeAuthority, toPem } from "../certificates.ts";
import { extension, sequence, tlv } from "../der.ts";
import { broker, clockAtNow, identityOf, proverOf, refusalOf } from "./provers.ts";

const spiffe = "spiffe://prod.example/tenant/acme/device/meter-001";
const prod = makeAuthority("prod root");
const staging = makeAuthority("staging root");
const domains = [
  { name: "prod.example", roots: prod.pem },
  { name: "staging.example", roots: staging.pem },
];
const prover = proverOf({ trustDomains: domains });
const x509 = (chain: readonly Uint8Array[]) => ({ type: "x509", chain }) as const;
const refused = (chain: readonly Uint8Array[], by = prover) => refusalOf(by, x509(chain));
const day = 86_400;

/** Refusal of a leaf that `options` changed. */
const refusedLeaf = (options: CertificateOptions, by: Authority = prod) =>
  refused(by.issue({ spiffe, ...options }).chain);

describe("a certificate chain", () => {
  it("proves the device that its SPIFFE id names", async () => {
    const leaf = prod.issue({ spiffe, days: 30 });
    const { credential } = await identityOf(prover, x509(leaf.chain));
    expect(credential).toMatchObject({
      type: "x509",
      trust_domain: "prod.example",
      device_id: "meter-001",
      tenant: "acme",
      fingerprint: leaf.fingerprint,
      key_protection: "software",
      usage: "telemetry",
    });
    expect(credential.not_after - credential.not_before).toBe(30 * day + 3600);
  });

  it("may have intermediates, and the root at its end", async () => {
    const line = prod.intermediate("region").intermediate("factory");
    const leaf = line.issue({ spiffe });
    expect(leaf.chain).toHaveLength(3);
    expect(await refused(leaf.chain)).toBe("");
    expect(await refused([...leaf.chain, prod.der])).toBe("");
    // A second device of the same CA rests on what is known of the CA.
    expect(await refused(line.issue({ spiffe: `${spiffe}-b` }).chain)).toBe("");
  });

  it("is verified once: the same bytes give the same object at once", () => {
    const { chain } = prod.issue({ spiffe });
    const first = prover.prove(x509(chain), broker);
    expect(prover.prove(x509(chain.map((der) => Buffer.from(der))), broker)).toBe(first);
    expect(first).not.toBeInstanceOf(Promise);
  });

  it("leaves the validity of the leaf to policies", async () => {
    const expired = prod.issue({ spiffe, days: -3 });
    const { credential } = await identityOf(prover, x509(expired.chain));
    expect(credential.not_after).toBeLessThan(Date.now() / 1000);
    const now = Math.floor(Date.now() / 1000);
    expect(await refusedLeaf({ notBefore: now + day, notAfter: now + 2 * day })).toBe("");
  });

  it("is refused when it leads to no root of the trust domain that the leaf names", async () => {
    const why = "the chain does not lead to a root of the trust domain";
    expect(await refusedLeaf({}, makeAuthority("nobody"))).toBe(why);
    expect(await refusedLeaf({}, staging)).toBe(why);
    expect(await refusedLeaf({}, makeAuthority("prod root"))).toBe(why);
    expect(await refused([prod.intermediate("region").issue({ spiffe }).der])).toBe(why);
    const selfSigned = makeAuthority("meter-001", { ca: false, spiffe });
    expect(await refused([selfSigned.der])).toBe(why);
    expect(await refused([selfSigned.der, selfSigned.der])).toMatch(/not a CA|does not lead/);
    expect(await refusedLeaf({ spiffe: spiffe.replace("prod", "lab") })).toBe(
      "trust domain `lab.example` is not configured",
    );
    expect(await refused([])).toBe("the chain is empty");
  });

  it("is refused when a signature in it is forged", async () => {
    const region = prod.intermediate("region");
    const leaf = region.issue({ spiffe });
    const forged = makeAuthority("region").issue({ spiffe });
    expect(await refused([forged.der, region.der])).toMatch(/signature/);
    const bent = Buffer.from(leaf.der);
    bent[bent.length - 1] = (bent.at(-1) ?? 0) ^ 1;
    expect(await refused([bent, region.der])).toMatch(/signature/);
    const named = makeAuthority("other root").intermediate("region", { issuerName: "prod root" });
    expect(await refused(named.issue({ spiffe }).chain)).toMatch(/does not lead/);
  });

  it("is refused when an intermediate is no CA, or is not valid now", async () => {
    const via = (options: CertificateOptions) =>
      refused(prod.intermediate("region", options).issue({ spiffe }).chain);
    expect(await via({ ca: false, keyUsage: 0x04 })).toMatch(/not a CA/);
    expect(await via({ keyUsage: 0x80 })).toMatch(/key usage of a CA/);
    expect(await via({ days: -1 })).toMatch(/not valid now/);
    const now = Math.floor(Date.now() / 1000);
    expect(await via({ notBefore: now + day, notAfter: now + 9 * day })).toMatch(/not valid now/);
  });

  it("is no longer proven when a CA in it expires, whatever was remembered", async () => {
    const clock = clockAtNow();
    const ours = proverOf({ trustDomains: domains }, clock);
    const region = prod.intermediate("region", { days: 2 });
    const { chain } = region.issue({ spiffe, days: 30 });
    expect(await refused(chain, ours)).toBe("");
    clock.advance(3 * day);
    expect(await refused(chain, ours)).toMatch(/not valid now/);
    expect(await refused(region.issue({ spiffe }).chain, ours)).toMatch(/not valid now/);
    clock.advance(3650 * day);
    expect(await refusalOf(ours, x509(prod.issue({ spiffe }).chain))).toMatch(/root .* expired/);
  });

  it("is refused when it is longer than a CA in it allows", async () => {
    const short = makeAuthority("short root", { pathLen: 1 });
    const ours = proverOf({ trustDomains: [{ name: "prod.example", roots: short.pem }] });
    const one = short.intermediate("one");
    expect(await refused(one.issue({ spiffe }).chain, ours)).toBe("");
    expect(await refused(one.intermediate("two").issue({ spiffe }).chain, ours)).toMatch(/path length/);
    const closed = short.intermediate("closed", { pathLen: 0 });
    expect(await refused(closed.intermediate("two").issue({ spiffe }).chain, ours)).toMatch(/path length/);
  });

  it("is refused out of order, or over the limits", async () => {
    const leaf = prod.intermediate("region").intermediate("factory").issue({ spiffe });
    const [first, second, third] = leaf.chain as [Buffer, Buffer, Buffer];
    expect(await refused([first, third, second])).toMatch(/does not lead/);
    expect(await refused([second, first, third])).toMatch(/no SPIFFE id/);
    expect(await refused(Array<Buffer>(9).fill(first))).toMatch(/may have 8 certificates/);
    const ballast = extension("1.3.6.1.4.1.99999.1", false, Buffer.alloc(16_384));
    expect(await refusedLeaf({ extensions: [ballast] })).toMatch(/of 16384 bytes/);
    let line = prod;
    for (let depth = 0; depth < 8; depth++) line = line.intermediate(`level ${depth}`);
    expect(await refused(line.issue({ spiffe }).chain)).toMatch(/may have 8/);
  });

  it("is refused when the leaf is not meant to authenticate a client", async () => {
    expect(await refusedLeaf({ client: false, server: true })).toMatch(/not meant for clients/);
    expect(await refusedLeaf({ keyUsage: 0x20 })).toMatch(/key usage/);
    expect(await refusedLeaf({ keyUsage: 0x84 })).toMatch(/key usage/);
    expect(await refusedLeaf({ ca: true })).toMatch(/a CA's/);
    expect(await refusedLeaf({ client: false, keyUsage: 0 })).toBe("");
  });

  it("is refused when it holds what would have to be understood and is not", async () => {
    expect(await refusedLeaf({ extensions: [extension("1.3.6.1.4.1.99999.1", true, sequence())] })).toMatch(
      /critical extension `1\.3\.6\.1\.4\.1\.99999\.1`/,
    );
    expect(await refusedLeaf({ extensions: [extension("1.3.6.1.4.1.99999.1", false, sequence())] })).toBe("");
    const constraints = extension(
      "2.5.29.30",
      false,
      sequence(tlv(0xa0, sequence(tlv(0x82, Buffer.from("x"))))),
    );
    const region = prod.intermediate("region", { extensions: [constraints] });
    expect(await refused(region.issue({ spiffe }).chain)).toMatch(/name constraints/);
    const twice = extension("2.5.29.17", false, sequence(tlv(0x86, Buffer.from(spiffe))));
    expect(await refusedLeaf({ extensions: [twice] })).toMatch(/not well-formed/);
  });

  it("is refused when it names no one device", async () => {
    const named = (uri: string | string[]) => refusedLeaf({ spiffe: uri });
    expect(await named([spiffe, `${spiffe}-b`])).toMatch(/more than one URI SAN/);
    expect(await named([])).toMatch(/no SPIFFE id/);
    for (const uri of [
      "https://prod.example/tenant/acme/device/meter-001",
      "spiffe://prod.example",
      "spiffe://prod.example:443/tenant/acme/device/meter-001",
      "spiffe://user@prod.example/tenant/acme/device/meter-001",
      "spiffe://PROD.example/tenant/acme/device/meter-001",
      `${spiffe}?x=1`,
      `${spiffe}#x`,
      `${spiffe}%2f..`,
      `${spiffe}+`,
      "spiffe://prod.example/tenant/acme/device/..",
      "spiffe://prod.example/tenant/acme/device//meter-001",
    ]) {
      expect(await named(uri), uri).toMatch(/no SPIFFE id/);
    }
    for (const path of [
      "/tenant/acme/device",
      "/tenant/acme/device/a/b",
      "/device/a",
      "/tenant/acme/gateway/a",
    ]) {
      expect(await named(`spiffe://prod.example${path}`), path).toMatch(/names no tenant and device/);
    }
  });

  it("is refused when it is garbage", async () => {
    const { der } = prod.issue({ spiffe });
    const why = "a certificate is not well-formed DER";
    expect(await refused([Buffer.from("hello")])).toBe(why);
    expect(await refused([Buffer.alloc(0)])).toBe(why);
    expect(await refused([Buffer.alloc(300, 0x30)])).toBe(why);
    expect(await refused([Buffer.concat([der, Buffer.from([0])])])).toBe(why);
    expect(await refused([Buffer.from(toPem(der))])).toBe(why);
    for (let end = 0; end < der.length; end += 7) expect(await refused([der.subarray(0, end)])).toBe(why);
  });

  it("never proves anything when one byte of it is changed", async () => {
    const { der, fingerprint } = prod.issue({ spiffe });
    for (let at = 0; at < der.length; at++) {
      const bent = Buffer.from(der);
      bent[at] = (bent[at] ?? 0) ^ (1 << (at % 8));
      const proof = await prover.prove(x509([bent]), broker);
      expect("refused" in proof, `byte ${at} of ${fingerprint}`).toBe(true);
    }
  });

  it("is not mistaken for a certificate that it carries as text", async () => {
    // Node opens the first PEM block it finds in the bytes; the facts would come from the bytes around it.
    const honest = prod.issue({ spiffe });
    const carrier = extension("1.3.6.1.4.1.99999.1", false, Buffer.from(`\n${honest.pem}\n`));
    const forged = makeAuthority("prod root").issue({
      spiffe: "spiffe://prod.example/tenant/acme/device/victim",
      extensions: [carrier],
    });
    expect(await refused(forged.chain)).toBe("a certificate is not well-formed DER");
  });
});

describe("what a trust domain says of its certificates", () => {
  const hardware = prod.intermediate("hardware CA");
  const control = "1.3.6.1.4.1.99999.7";
  const ours = proverOf({
    trustDomains: [
      {
        name: "prod.example",
        roots: prod.pem,
        spiffe_path: "/d/{device}",
        tenant: "acme",
        key_protection_by_issuer: { "hardware CA": "tpm" },
        usage_by_policy: { [control]: "control", "1.3.6.1.4.1.99999.8": "telemetry" },
      },
      { name: "legacy", roots: staging.pem, cn_fallback: true, tenant: "old", key_protection: "tee" },
    ],
  });
  const credentialOf = async (issued: { readonly chain: readonly Buffer[] }) =>
    (await identityOf(ours, x509(issued.chain))).credential;
  const short = "spiffe://prod.example/d/meter-001";

  it("has its own path template and tenant", async () => {
    expect(await credentialOf(prod.issue({ spiffe: short }))).toMatchObject({
      tenant: "acme",
      device_id: "meter-001",
      key_protection: "software",
    });
  });

  it("tells where keys live from the CA that issued, never from the device", async () => {
    expect((await credentialOf(hardware.issue({ spiffe: short }))).key_protection).toBe("tpm");
    const fake = prod.issue({ spiffe: short, cn: "hardware CA" });
    expect((await credentialOf(fake)).key_protection).toBe("software");
  });

  it("tells the plane from a policy, as far as the CAs above may vouch for it", async () => {
    expect((await credentialOf(prod.issue({ spiffe: short, policies: [control] }))).usage).toBe("control");
    const narrow = prod.intermediate("telemetry CA", { policies: ["1.3.6.1.4.1.99999.8"] });
    expect((await credentialOf(narrow.issue({ spiffe: short, policies: [control] }))).usage).toBe(
      "telemetry",
    );
    const any = prod.intermediate("any CA", { policies: ["2.5.29.32.0"] });
    expect((await credentialOf(any.issue({ spiffe: short, policies: [control] }))).usage).toBe("control");
    const both = prod.issue({ spiffe: short, policies: [control, "1.3.6.1.4.1.99999.8"] });
    expect(await refusalOf(ours, x509(both.chain))).toMatch(/two planes/);
  });

  it("may take the CN of a legacy certificate, only where it says so", async () => {
    expect(await credentialOf(staging.issue({ cn: "meter-009" }))).toMatchObject({
      trust_domain: "legacy",
      tenant: "old",
      device_id: "meter-009",
      key_protection: "tee",
    });
    expect(await refusalOf(ours, x509(prod.issue({ cn: "meter-009" }).chain))).toMatch(/does not lead/);
    expect(await refusalOf(ours, x509(staging.issue({ cn: "a/b" }).chain))).toMatch(/no device id/);
  });

  it("is refused in the configuration when it cannot work", () => {
    const open = (domain: object) => () => proverOf({ trustDomains: [{ name: "x", ...domain }] });
    expect(open({ roots: "nothing" })).toThrow(/trust domain `x`: .*no certificate in PEM/);
    expect(open({ roots: prod.issue({ spiffe }).pem })).toThrow(/root certificate cannot be used/);
    expect(open({ spiffe_path: "/t/{tenant}" })).toThrow(/SPIFFE path/);
    expect(open({ spiffe_path: "/t/x{device}" })).toThrow(/SPIFFE path/);
    expect(open({ cn_fallback: true })).toThrow(/give `tenant`/);
    expect(open({ jwks: { keys: [] }, issuer: "i", audience: "a" })).toThrow(/no JWKS/);
    expect(open({ jwks: { keys: [{ kty: "oct", k: "AA" }] }, issuer: "i", audience: "a" })).toThrow(/secret/);
    expect(() => proverOf({ trustDomains: [{ name: "x" }, { name: "x" }] })).toThrow(/there twice/);
  });

  it("can be replaced, and then nothing that it proved counts", async () => {
    const { chain } = prod.issue({ spiffe });
    const changing = proverOf({ trustDomains: domains });
    expect(await refused(chain, changing)).toBe("");
    changing.trust({ trustDomains: [{ name: "prod.example", roots: staging.pem }] });
    expect(await refused(chain, changing)).toMatch(/does not lead/);
    expect(() => changing.trust({ trustDomains: [{ name: "x", roots: "" }] })).toThrow(/no certificate/);
    changing.trust({ trustDomains: domains });
    expect(await refused(chain, changing)).toBe("");
  });
});
