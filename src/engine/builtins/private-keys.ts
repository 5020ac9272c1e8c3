/** `crypto.parse_private_keys` and `crypto.x509.parse_rsa_private_key`: PEM as Go's structures and as a JWK. */
import { createPrivateKey, type KeyObject } from "node:crypto";
import { parseTerm, type Term } from "../term.ts";
import type { BuiltinTable } from "./builtin.ts";
import { fromJson, text } from "./operands.ts";

const block = /-----BEGIN ([A-Z0-9 ]+)-----\r?\n([A-Za-z0-9+/=\r\n\t ]*)-----END \1-----/g;
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

const containers: Readonly<Record<string, "pkcs1" | "pkcs8" | "sec1">> = {
  "RSA PRIVATE KEY": "pkcs1",
  "PRIVATE KEY": "pkcs8",
  "EC PRIVATE KEY": "sec1",
};

/** Base64 of any line length. @throws TypeError for anything else */
function decoded(source: string): Buffer {
  const plain = source.replace(/[\r\n]/g, "");
  if (!base64.test(plain)) throw new TypeError("illegal base64");
  return Buffer.from(plain, "base64");
}

/** Every private key of a PEM text; blocks of other kinds are passed over. @throws where one cannot be read */
function keysOf(pem: string): KeyObject[] {
  return [...pem.matchAll(block)].flatMap(([, kind = "", body = ""]) => {
    const type = containers[kind];
    if (type === undefined) return [];
    return [createPrivateKey({ key: decoded(body.replace(/[\t ]/g, "")), format: "der", type })];
  });
}

const bytesOf = (part: string | undefined): Buffer => Buffer.from(part ?? "", "base64url");
const wholeOf = (part: string | undefined): bigint => BigInt(`0x0${bytesOf(part).toString("hex")}`);

/** A key as Go's `encoding/json` tells its structure. Numbers are of any size, so it is told as text. */
function goText(key: KeyObject): string {
  const { kty, crv, n, e, d, p, q, dp, dq, qi, x, y } = key.export({ format: "jwk" });
  if (kty === "RSA") {
    const precomputed = `{"CRTValues":[],"Dp":${wholeOf(dp)},"Dq":${wholeOf(dq)},"Qinv":${wholeOf(qi)}}`;
    return `{"D":${wholeOf(d)},"E":${wholeOf(e)},"N":${wholeOf(n)},"Precomputed":${precomputed},"Primes":[${wholeOf(p)},${wholeOf(q)}]}`;
  }
  if (kty === "EC") return `{"Curve":{},"D":${wholeOf(d)},"X":${wholeOf(x)},"Y":${wholeOf(y)}}`;
  if (crv === "Ed25519") return JSON.stringify(Buffer.concat([bytesOf(d), bytesOf(x)]).toString("base64"));
  throw new TypeError("a key of another kind");
}

/** Parsing of private keys. What they are good for in a decision is for the author to say; they are in its data. */
export const privateKeyBuiltins: BuiltinTable = {
  "crypto.parse_private_keys": (value): Term => {
    const source = text(value);
    if (source === "") return null;
    const plain = source.replace(/[\r\n]/g, "");
    const keys = keysOf(base64.test(plain) ? Buffer.from(plain, "base64").toString("utf8") : source);
    return keys.map((key) => parseTerm(goText(key)));
  },
  "crypto.x509.parse_rsa_private_key": (value): Term => {
    const source = text(value);
    if (source === "") throw new TypeError("no PEM");
    const pem = source.startsWith("-----BEGIN") ? source : decoded(source).toString("utf8");
    const [first] = keysOf(pem);
    return first === undefined ? null : fromJson(first.export({ format: "jwk" }));
  },
};
