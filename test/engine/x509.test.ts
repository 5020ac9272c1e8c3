import { expect, it } from "vitest";
import { certificateBuiltins, chainBuiltins } from "../../src/engine/builtins/x509.ts";
import { compareTerms, formatTerm, parseTerm, type Term } from "../../src/engine/term.ts";
import { describeWithOpa, runOpa } from "../opa.ts";
import { certificates, requests } from "./x509-cases.ts";
import { certificate, kinds, write } from "./x509-writers.ts";

const pem = (kind: string, der: Uint8Array): string =>
  `-----BEGIN ${kind}-----\n${Buffer.from(der).toString("base64").replace(/.{64}/g, "$&\n")}\n-----END ${kind}-----\n`;
const base64 = (bytes: Uint8Array | string): string => Buffer.from(bytes as string).toString("base64");

/** What OPA tells of each source; what is undefined is absent. */
function askOpa(call: string, sources: Readonly<Record<string, unknown>>): ReadonlyMap<string, Term> {
  const query = `{k: x | some k, v in input; x := ${call}}`;
  return parseTerm(runOpa(["eval", "-f", "raw", "--stdin-input", query], JSON.stringify(sources))) as never;
}

function compare(own: Term | undefined, theirs: Term | undefined, about: string): void {
  if (own !== undefined && theirs !== undefined && compareTerms(own, theirs) === 0) return;
  const shown = (term: Term | undefined): string => (term === undefined ? "undefined" : formatTerm(term));
  expect(shown(own), about).toBe(shown(theirs));
}

function alike(name: string, sources: Readonly<Record<string, string>>): number {
  const told = askOpa(`${name}(v)`, sources);
  for (const [kind, source] of Object.entries(sources))
    compare(certificateBuiltins[name]?.(source), told.get(kind), kind);
  return told.size;
}

/** A source with one byte changed, at many places. */
function* spoilt(der: Uint8Array, step: number): Generator<[string, string]> {
  for (let at = 0; at < der.length; at += step) {
    for (const change of [0x01, 0x80]) {
      const bytes = Buffer.from(der);
      bytes[at] = (bytes[at] as number) ^ change;
      yield [`byte ${at} ^ ${change}`, base64(bytes)];
    }
  }
}

describeWithOpa("certificates are told as OPA tells them", () => {
  const parse = "crypto.x509.parse_certificates";
  it("of every kind", () => {
    const all = Object.entries(certificates()).map(([kind, der]): [string, string] => [kind, base64(der)]);
    expect(alike(parse, Object.fromEntries(all))).toBeGreaterThan(50);
  });

  it("whatever byte of one is changed", () => {
    const { everything = Buffer.alloc(0) } = certificates();
    expect(alike(parse, Object.fromEntries(spoilt(everything, 2)))).toBeGreaterThan(300);
  }, 60_000);

  it("in every wrapping", () => {
    const der = certificate();
    const sound = pem("CERTIFICATE", der);
    alike(parse, {
      pem: sound,
      "base64 of pem": base64(sound),
      two: sound + sound,
      "text between": `${sound}# a comment\n${sound}`,
      "text before": `a certificate\n${sound}`,
      crlf: sound.replaceAll("\n", "\r\n"),
      headers: sound.replace("-----\n", "-----\nSubject: x\nIssuer: y\n\n"),
      "a key among them": sound + pem("PRIVATE KEY", der),
      "no end": sound.slice(0, -20),
      "another end": sound.replace("END CERTIFICATE", "END X"),
      "not base64": sound.replace("MII", "M?I"),
      "spaces in it": sound.replace("\nM", "\n  M"),
      "spaces after it": `${sound.trimEnd()}  \n`,
      "text after the end": `${sound.trimEnd()} text\n`,
      "half of it": pem("CERTIFICATE", der.subarray(0, 100)),
      words: "no certificate at all",
      empty: "",
      "lines of base64": base64(der).replace(/.{10}/g, "$&\n"),
    });
  });
});

describeWithOpa("certificate requests are told as OPA tells them", () => {
  const parse = "crypto.x509.parse_certificate_request";
  it("of every kind", () => {
    const all = Object.entries(requests()).map(([kind, der]): [string, string] => [kind, base64(der)]);
    expect(alike(parse, Object.fromEntries(all))).toBeGreaterThan(15);
  });

  it("whatever byte of one is changed", () => {
    const { "with names": source = Buffer.alloc(0) } = requests();
    expect(alike(parse, Object.fromEntries(spoilt(source, 1)))).toBeGreaterThan(100);
  }, 60_000);

  it("in every wrapping", () => {
    const { "with names": der = Buffer.alloc(0) } = requests();
    const sound = pem("CERTIFICATE REQUEST", der);
    const old = pem("NEW CERTIFICATE REQUEST", der);
    alike(parse, {
      pem: sound,
      "base64 of pem": base64(sound),
      old,
      "base64 of old": base64(old),
      words: "x",
    });
  });
});

describeWithOpa("key pairs are told as OPA tells them", () => {
  it("of every kind", () => {
    const pairs: Record<string, [string, string]> = {};
    for (const [kind, one] of Object.entries(kinds)) {
      const der = certificate({ key: one });
      const key = one.key.export({ format: "der", type: "pkcs8" });
      pairs[kind] = [pem("CERTIFICATE", der), pem("PRIVATE KEY", key)];
      pairs[`${kind}, base64 of der`] = [base64(der), base64(key)];
      pairs[`${kind}, another's key`] = [pem("CERTIFICATE", certificate()), pem("PRIVATE KEY", key)];
    }
    const [sound, key] = pairs["p256"] as [string, string];
    pairs["base64 of pem"] = [base64(sound), base64(key)];
    pairs["two certificates"] = [sound + pem("CERTIFICATE", certificate({ key: kinds.rsa })), key];
    pairs["other blocks"] = [key + sound, sound + key];
    pairs["no key"] = [sound, sound];
    pairs["pkcs1"] = [
      pem("CERTIFICATE", certificate({ key: kinds.rsa })),
      kinds.rsa.key.export({ format: "pem", type: "pkcs1" }) as string,
    ];
    const told = askOpa("crypto.x509.parse_keypair(v[0], v[1])", pairs);
    expect(told.size).toBeGreaterThan(12);
    for (const [kind, pair] of Object.entries(pairs))
      compare(certificateBuiltins["crypto.x509.parse_keypair"]?.(...pair), told.get(kind), kind);
  });
});

it("a text of many escapes is judged at once", () => {
  const { constraints, subtree } = write;
  const hostile = `${"\\a".repeat(60)}(@example.com`;
  const der = certificate({ extensions: [constraints([subtree(0x81, hostile)], [])] });
  expect(certificateBuiltins["crypto.x509.parse_certificates"]?.(base64(der))).toBeUndefined();
});

it("a certificate that is broken is undefined, and no error ends the evaluation", () => {
  const parse = certificateBuiltins["crypto.x509.parse_certificates"];
  expect(parse?.(base64(certificate().subarray(0, 80)))).toBeUndefined();
  expect(parse?.(base64(certificate()))).toHaveLength(1);
  expect(
    chainBuiltins({ input: () => "{}" })["crypto.x509.parse_and_verify_certificates"]?.(""),
  ).toBeUndefined();
});
