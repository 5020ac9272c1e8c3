/** Private keys, read from and written to files. */
import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { Fault } from "../runtime/fault.ts";
import { readFileOf } from "./read-argument.ts";

/** The private key in a PEM file. @throws Fault `request_invalid`, `keyset_invalid` */
export function readPrivateKey(path: string): KeyObject {
  const pem = readFileOf("--key", path);
  const { env } = process;
  try {
    const passphrase = env["SALLYPORT_KEY_PASSPHRASE"];
    return createPrivateKey({ key: pem, ...(passphrase === undefined ? {} : { passphrase }) });
  } catch (thrown) {
    throw new Fault(
      "keyset_invalid",
      `\`${path}\` holds no private key that can be used: PEM is needed, and SALLYPORT_KEY_PASSPHRASE where it is encrypted`,
      { cause: thrown },
    );
  }
}

/** Writes a file that is not there yet. @throws Fault `request_invalid` */
export function writeNew(path: string, text: string | Uint8Array, mode = 0o644): void {
  if (existsSync(path)) throw new Fault("request_invalid", `\`${path}\` is there already: name another`);
  try {
    writeFileSync(path, text, { mode, flag: "wx" });
  } catch (thrown) {
    throw Fault.from(thrown, "request_invalid", `cannot write \`${path}\``);
  }
}

/** Makes an Ed25519 key; the private half is readable by its owner only. */
export function makeKeyFiles(prefix: string): {
  readonly privatePath: string;
  readonly publicPath: string;
  readonly key: KeyObject;
} {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const [privatePath, publicPath] = [`${prefix}.pem`, `${prefix}.pub.pem`];
  const passphrase = process.env["SALLYPORT_KEY_PASSPHRASE"];
  const pem = privateKey.export({
    type: "pkcs8",
    format: "pem",
    ...(passphrase === undefined ? {} : { cipher: "aes-256-cbc", passphrase }),
  });
  writeNew(privatePath, pem, 0o600);
  writeNew(publicPath, publicKey.export({ type: "spki", format: "pem" }));
  return { privatePath, publicPath, key: publicKey };
}
