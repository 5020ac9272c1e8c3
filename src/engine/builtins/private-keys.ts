/** `crypto.parse_private_keys` and `crypto.x509.parse_rsa_private_key`: PEM as Go's structures and as a JWK. */
import { createPrivateKey, type KeyObject } from "node:crypto";
import type { Term } from "../term.ts";
import { toTerm } from "../x509/go-json.ts";
import type { BuiltinTable } from "./builtin.ts";
import { fromJson, text } from "./operands.ts";
import { decodeBase64, isBase64, pemBlocks } from "./pem.ts";

const containers: Readonly<Record<string, "pkcs1" | "pkcs8" | "sec1">> = {
  "RSA PRIVATE KEY": "pkcs1",
  "PRIVATE KEY": "pkcs8",
  "EC PRIVATE KEY": "sec1",
};

/** Every private key of a PEM text; blocks of other kinds are passed over. @throws where one cannot be read */
function keysOf(pem: string): KeyObject[] {
  return pemBlocks(pem).flatMap(({ kind, bytes }) => {
    const type = containers[kind];
    return type === undefined ? [] : [createPrivateKey({ key: bytes, format: "der", type })];
  });
}

const bytesOf = (part: string | undefined): Buffer => Buffer.from(part ?? "", "base64url");
const wholeOf = (part: string | undefined): bigint => BigInt(`0x0${bytesOf(part).toString("hex")}`);

/** A key as Go's `encoding/json` tells its structure. @throws TypeError for a key of a kind that Go does not know */
export function toldPrivateKey(key: KeyObject): unknown {
  const { kty, crv, n, e, d, p, q, dp, dq, qi, x, y } = key.export({ format: "jwk" });
  if (kty === "RSA") {
    const Precomputed = { CRTValues: [], Dp: wholeOf(dp), Dq: wholeOf(dq), Qinv: wholeOf(qi) };
    return { D: wholeOf(d), E: wholeOf(e), N: wholeOf(n), Precomputed, Primes: [wholeOf(p), wholeOf(q)] };
  }
  if (kty === "EC") return { Curve: {}, D: wholeOf(d), X: wholeOf(x), Y: wholeOf(y) };
  if (crv === "Ed25519") return Buffer.concat([bytesOf(d), bytesOf(x)]);
  throw new TypeError("a key of another kind");
}

/** Parsing of private keys. What they are good for in a decision is for the author to say; they are in its data. */
export const privateKeyBuiltins: BuiltinTable = {
  "crypto.parse_private_keys": (value): Term => {
    const source = text(value);
    if (source === "") return null;
    return keysOf(isBase64(source) ? decodeBase64(source).toString("utf8") : source).map((key) =>
      toTerm(toldPrivateKey(key)),
    );
  },
  "crypto.x509.parse_rsa_private_key": (value): Term => {
    const source = text(value);
    if (source === "") throw new TypeError("no PEM");
    const pem = source.startsWith("-----BEGIN") ? source : decodeBase64(source).toString("utf8");
    const [first] = keysOf(pem);
    return first === undefined ? null : fromJson(first.export({ format: "jwk" }));
  },
};
