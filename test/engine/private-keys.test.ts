import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { expect, it } from "vitest";
import { privateKeyBuiltins } from "../../src/engine/builtins/private-keys.ts";
import { compareTerms, formatTerm, parseTerm, type Term } from "../../src/engine/term.ts";
import { describeWithOpa, runOpa } from "../opa.ts";

const pem = (key: KeyObject, type: "pkcs1" | "pkcs8" | "sec1"): string =>
  key.export({ type, format: "pem" } as never) as unknown as string;

const { privateKey: rsa } = generateKeyPairSync("rsa", { modulusLength: 1024 });
const { privateKey: p256 } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const { privateKey: p521 } = generateKeyPairSync("ec", { namedCurve: "P-521" });
const { privateKey: ed25519, publicKey } = generateKeyPairSync("ed25519");
const both = pem(rsa, "pkcs8") + pem(p256, "sec1");

const sources: Readonly<Record<string, string>> = {
  pkcs1: pem(rsa, "pkcs1"),
  pkcs8: pem(rsa, "pkcs8"),
  sec1: pem(p256, "sec1"),
  p521: pem(p521, "pkcs8"),
  ed25519: pem(ed25519, "pkcs8"),
  two: both,
  base64: Buffer.from(both).toString("base64"),
  crlf: pem(rsa, "pkcs1").replaceAll("\n", "\r\n"),
  "text before": `a key\n${pem(rsa, "pkcs1")}`,
  public: publicKey.export({ type: "spki", format: "pem" }) as string,
  broken: pem(rsa, "pkcs1").replace(/\n.{20}/, "\nAAAAAAAAAAAAAAAAAAAA"),
  nothing: "",
  words: "no key at all",
};

function call(name: string, source: string): Term | undefined {
  try {
    return privateKeyBuiltins[name]?.(source);
  } catch {
    return undefined;
  }
}

describeWithOpa("private keys are told as OPA tells them", () => {
  it.each(["crypto.parse_private_keys", "crypto.x509.parse_rsa_private_key"])("%s", (name) => {
    const query = `{k: x | some k, v in input; x := ${name}(v)}`;
    const told = parseTerm(
      runOpa(["eval", "-f", "raw", "--stdin-input", query], JSON.stringify(sources)),
    ) as ReadonlyMap<string, Term>;
    expect(told.size).toBeGreaterThan(8);
    for (const [kind, source] of Object.entries(sources)) {
      const [own, theirs] = [call(name, source), told.get(kind)];
      const same =
        own === undefined || theirs === undefined ? own === theirs : compareTerms(own, theirs) === 0;
      expect(same, `${kind}: ${own === undefined ? "undefined" : formatTerm(own)}`).toBe(true);
    }
  });
});

it("numbers of a key keep all their digits", () => {
  const [key] = call("crypto.parse_private_keys", pem(p256, "sec1")) as readonly Term[];
  expect(formatTerm(key as Term)).toMatch(/"D": \d{60,}/);
});
