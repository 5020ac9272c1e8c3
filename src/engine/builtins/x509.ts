/** `crypto.x509.*` on certificates, requests and key pairs, as OPA tells them. Chains are judged at the decision time. */
import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { DerReader, readOnly, tags } from "../../runtime/der.ts";
import type { Term } from "../term.ts";
import { type Certificate, readCertificate, readCertificates, toldCertificate } from "../x509/certificate.ts";
import { type ChainDemands, findChain } from "../x509/chain.ts";
import { toTerm } from "../x509/go-json.ts";
import { purposeByName } from "../x509/purposes.ts";
import { tellRequest } from "../x509/request.ts";
import type { Builtin, BuiltinTable, EvaluationContext } from "./builtin.ts";
import { urlText } from "./go-url.ts";
import { bigint, map, members, type TermMap, text } from "./operands.ts";
import { decodeBase64, pemBlocks } from "./pem.ts";
import { toldPrivateKey } from "./private-keys.ts";
import { decisionTime } from "./time.ts";

const serverAuth = "1.3.6.1.5.5.7.3.1";
const begins = "-----BEGIN";

/** A malformed certificate is undefined in Rego; a Fault would end the evaluation. */
const lenient =
  (builtin: Builtin): Builtin =>
  (...args) => {
    try {
      return builtin(...args);
    } catch {
      return undefined;
    }
  };

/** Certificates of PEM, of base64 of PEM, or of base64 of DER. */
function certificatesOf(source: string): readonly Certificate[] {
  const decoded = source.startsWith(begins) ? undefined : decodeBase64(source);
  const inside = decoded?.toString("latin1");
  if (decoded !== undefined && !inside?.startsWith(begins)) return readCertificates(decoded);
  const blocks = pemBlocks(inside ?? source);
  if (blocks.some(({ kind }) => kind !== "CERTIFICATE")) throw new TypeError("not a certificate");
  return readCertificates(Buffer.concat(blocks.map(({ bytes }) => bytes)));
}

/** A certificate with what OPA adds to Go's structure. */
const extended = (one: Certificate): object => ({
  ...toldCertificate(one),
  URIStrings: one.names.uris.length === 0 ? null : one.names.uris.map(urlText),
});

function parseRequest(source: Term | undefined): Term {
  const pem = text(source);
  const bytes = pem.startsWith(`${begins} CERTIFICATE REQUEST-----`) ? Buffer.from(pem) : decodeBase64(pem);
  const [first] = pemBlocks(bytes.toString("latin1"));
  if (first !== undefined && first.kind !== "CERTIFICATE REQUEST") throw new TypeError("not a request");
  return toTerm(tellRequest(first?.bytes ?? bytes));
}

/** Blocks of PEM, of base64 of PEM, or of base64 of DER, which is one block of `kind`. */
function blocksOf(source: string, kind: string): readonly { kind: string; bytes: Buffer }[] {
  const bytes = source.startsWith(`${begins} `) ? Buffer.from(source) : decodeBase64(source);
  const pem = bytes.toString("latin1");
  return pem.startsWith(`${begins} `) ? pemBlocks(pem) : [{ kind, bytes }];
}

/** A private key in any of the containers that Go tries. */
function privateKeyOf(der: Buffer): KeyObject {
  for (const type of ["pkcs1", "pkcs8", "sec1"] as const) {
    try {
      return createPrivateKey({ key: der, format: "der", type });
    } catch {
      // the next container
    }
  }
  throw new TypeError("not a private key");
}

function parseKeyPair(certificate: Term | undefined, key: Term | undefined): Term {
  const chain = blocksOf(text(certificate), "CERTIFICATE").filter(({ kind }) => kind === "CERTIFICATE");
  const found = blocksOf(text(key), "PRIVATE KEY").find(({ kind }) => /(?:^| )PRIVATE KEY$/.test(kind));
  const [first] = chain;
  if (first === undefined || found === undefined) throw new TypeError("a certificate and a key are needed");
  const leaf = readCertificate(new DerReader(readOnly(first.bytes, tags.sequence).whole));
  const own = privateKeyOf(found.bytes);
  const stated = createPublicKey({ key: Buffer.from(leaf.spki), format: "der", type: "spki" });
  if (!createPublicKey(own).equals(stated)) throw new TypeError("the key is another's");
  return toTerm({
    Certificate: chain.map(({ bytes }) => bytes),
    PrivateKey: toldPrivateKey(own),
    SupportedSignatureAlgorithms: null,
    OCSPStaple: null,
    SignedCertificateTimestamps: null,
    Leaf: toldCertificate(leaf),
  });
}

/** Builtins that need nothing but their arguments. */
export const certificateBuiltins: BuiltinTable = {
  "crypto.x509.parse_certificates": lenient((source) => toTerm(certificatesOf(text(source)).map(extended))),
  "crypto.x509.parse_certificate_request": lenient(parseRequest),
  "crypto.x509.parse_keypair": lenient(parseKeyPair),
};

const unquoted = (term: Term): string => text(term).replace(/^"+|"+$/g, "");

function purposesOf(term: Term): string[] {
  return members(term)
    .filter((member) => typeof member === "string")
    .map((member) => {
      const oid = purposeByName(unquoted(member));
      if (oid === undefined) throw new TypeError("an unknown key usage");
      return oid;
    });
}

/** What the options demand. @throws TypeError for one that OPA does not know, or a value of another type */
function demandsOf(options: TermMap): Partial<ChainDemands> {
  let demands: Partial<ChainDemands> = {};
  for (const [name, value] of options) {
    if (typeof name !== "string") continue;
    if (name === "DNSName") demands = { ...demands, host: unquoted(value) };
    else if (name === "CurrentTime") demands = { ...demands, at: bigint(value) };
    else if (name === "KeyUsages") demands = { ...demands, purposes: purposesOf(value) };
    else if (name === "MaxConstraintComparisons") bigint(value);
    else throw new TypeError("an unknown option");
  }
  return demands;
}

/** Builtins that look at the clock: the first certificate is the root, the last the leaf. */
export function chainBuiltins(context: EvaluationContext): BuiltinTable {
  const verify = (source: Term | undefined, options: TermMap, tell: (one: Certificate) => object): Term => {
    let certificates: readonly Certificate[];
    try {
      certificates = certificatesOf(text(source));
    } catch {
      return [false, []];
    }
    const { at = decisionTime(context), host = "", purposes = [] } = demandsOf(options);
    if (at === undefined) throw new TypeError("there is no decision time");
    const wanted = purposes.length === 0 ? [serverAuth] : purposes;
    const chain = findChain(certificates, { at, host, purposes: wanted });
    return chain === undefined ? [false, []] : [true, toTerm(chain.map(tell))];
  };
  return {
    "crypto.x509.parse_and_verify_certificates": lenient((source) =>
      verify(text(source), new Map(), extended),
    ),
    "crypto.x509.parse_and_verify_certificates_with_options": lenient((source, options) =>
      verify(text(source), map(options), toldCertificate),
    ),
  };
}
