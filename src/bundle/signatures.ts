/** `.signatures.json`: OPA's signature of a bundle, one JWT over the hashes of all its files. */
import type { KeyObject } from "node:crypto";
import { Fault } from "../runtime/fault.ts";
import { type FileHash, hashFile, hashFiles, signaturesPath } from "./file-hashes.ts";
import { type Jws, parseJws, signJws, verifiedBy } from "./jws.ts";
import { isUsable, type Keyset, keyIdOf, type TrustedKey } from "./keyset.ts";

const untrusted = (message: string): Fault => new Fault("bundle_untrusted", `the bundle ${message}`);

interface Claims {
  readonly files: readonly FileHash[];
  readonly scope: string;
}

/** The content of `.signatures.json` for these files. Reproducible with Ed25519 and RSA PKCS #1 keys. */
export function signFiles(files: ReadonlyMap<string, Uint8Array>, key: KeyObject, scope: string): string {
  const payload = { files: hashFiles(files), ...(scope === "" ? {} : { scope }) };
  return JSON.stringify({ signatures: [signJws(payload, key, keyIdOf(key), "JWT")] });
}

/**
 * Verifies the signature over all files: by a key of the keyset with the role `sign`, in its time and for `scope`;
 * every file is listed with its hash, and no other.
 * @param now unix seconds
 * @throws Fault `bundle_untrusted`; `undefined` where the bundle is not signed at all
 */
export function verifyFiles(
  files: ReadonlyMap<string, Uint8Array>,
  keyset: Keyset,
  scope: string,
  now: number,
): TrustedKey | undefined {
  const signatures = files.get(signaturesPath);
  if (signatures === undefined) return undefined;
  const token = parseJws(tokenOf(signatures));
  const signer = signerOf(token, keyset, scope, now);
  const claims = readClaims(token.payload);
  if (claims.scope !== scope) {
    throw untrusted(`is signed for the scope \`${claims.scope}\`, \`bundle.scope\` is \`${scope}\``);
  }
  const listed = new Map(claims.files.map((file) => [file.name.replace(/^\//, ""), file]));
  for (const [path, bytes] of files) {
    if (path === signaturesPath) continue;
    const entry = listed.get(path);
    if (entry === undefined) throw untrusted(`holds \`${path}\`, which its signature does not cover`);
    if (hashFile(path, bytes, entry.algorithm) !== entry.hash.toLowerCase()) {
      throw untrusted(`holds another \`${path}\` than was signed`);
    }
    listed.delete(path);
  }
  const [missing] = listed.keys();
  if (missing !== undefined) throw untrusted(`lacks \`${missing}\`, which was signed`);
  return signer;
}

function tokenOf(bytes: Uint8Array): string {
  let list: unknown;
  try {
    list = (JSON.parse(Buffer.from(bytes).toString("utf8")) as { signatures?: unknown }).signatures;
  } catch {
    list = undefined;
  }
  if (Array.isArray(list) && list.length === 1 && typeof list[0] === "string") return list[0];
  throw untrusted("has no single signature in `.signatures.json`, as `opa sign` writes it");
}

function signerOf(token: Jws, keyset: Keyset, scope: string, now: number): TrustedKey {
  // OPA names keys as it likes, or not at all: a key is known by verifying, never by what it is called.
  const signer = keyset.keys.find(({ key }) => verifiedBy(token, key));
  if (signer === undefined) {
    throw untrusted(`is signed by no key of keyset version ${keyset.version} (${token.algorithm})`);
  }
  if (!isUsable(signer, "sign", now)) {
    throw untrusted(
      signer.roles.includes("sign")
        ? `is signed by \`${signer.name}\`, whose key is ${now < signer.not_before ? "not valid yet" : "expired"}`
        : `is signed by \`${signer.name}\`, which may not sign bundles`,
    );
  }
  if (!signer.scopes.includes("*") && !signer.scopes.includes(scope)) {
    throw untrusted(`is signed by \`${signer.name}\`, which may not sign for the scope \`${scope}\``);
  }
  return signer;
}

function readClaims(payload: unknown): Claims {
  const { files, scope = "" } = (payload ?? {}) as { files?: unknown; scope?: unknown };
  const isEntry = (entry: unknown): entry is FileHash =>
    ["name", "hash", "algorithm"].every(
      (member) => typeof (entry as Record<string, unknown> | null)?.[member] === "string",
    );
  if (Array.isArray(files) && files.every(isEntry) && typeof scope === "string") return { files, scope };
  throw untrusted("has a signature that lists no files");
}
