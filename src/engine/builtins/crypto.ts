/** Hashes and message authentication codes. */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { Builtin, BuiltinTable } from "./builtin.ts";
import { text } from "./operands.ts";

const hash =
  (name: string): Builtin =>
  (value) =>
    createHash(name).update(text(value)).digest("hex");

const hmac =
  (name: string): Builtin =>
  (value, key) =>
    createHmac(name, text(key)).update(text(value)).digest("hex");

/** `crypto.*` on texts. */
export const cryptoBuiltins: BuiltinTable = {
  "crypto.md5": hash("md5"),
  "crypto.sha1": hash("sha1"),
  "crypto.sha256": hash("sha256"),
  "crypto.hmac.md5": hmac("md5"),
  "crypto.hmac.sha1": hmac("sha1"),
  "crypto.hmac.sha256": hmac("sha256"),
  "crypto.hmac.sha512": hmac("sha512"),
  "crypto.hmac.equal": (left, right) => {
    const [a, b] = [Buffer.from(text(left)), Buffer.from(text(right))];
    return a.length === b.length && timingSafeEqual(a, b);
  },
};
