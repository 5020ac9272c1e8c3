/** Hashes of the files of a bundle as OPA defines them for `.signatures.json`. */
import { createHash } from "node:crypto";
import { Fault } from "../runtime/fault.ts";
import { goJson } from "./go-json.ts";

/** Where the signature is; it is not signed itself. */
export const signaturesPath = ".signatures.json";

/** Hash algorithms by OPA's names. Its MD5 and SHA-1 are left out: others can make files of the same hash. */
const algorithms: Readonly<Record<string, string>> = {
  "SHA-256": "sha256",
  "SHA-384": "sha384",
  "SHA-512": "sha512",
  "SHA-512-256": "sha512-256",
};

/** One file as a signature lists it. */
export interface FileHash {
  readonly name: string;
  /** Lower-case hexadecimal. */
  readonly hash: string;
  readonly algorithm: string;
}

const structured = new Set([".manifest", "data.json"]);

/**
 * Hash of one file. JSON that OPA gives a meaning (`.manifest`, `data.json`) is hashed as a value, so that spaces and
 * the order of keys do not count; any other file is hashed as bytes.
 * @throws Fault `bundle_untrusted` for a hash algorithm that does not count, `bundle_invalid` where JSON is none
 */
export function hashFile(path: string, bytes: Uint8Array, algorithm = "SHA-256"): string {
  const name = Object.hasOwn(algorithms, algorithm) ? algorithms[algorithm] : undefined;
  if (name === undefined) {
    throw new Fault(
      "bundle_untrusted",
      `the bundle signature hashes \`${path}\` with \`${algorithm}\`: use SHA-256 or stronger`,
    );
  }
  const last = path.slice(path.lastIndexOf("/") + 1);
  return createHash(name)
    .update(structured.has(last) ? canonical(path, bytes) : bytes)
    .digest("hex");
}

function canonical(path: string, bytes: Uint8Array): string {
  try {
    return goJson(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (thrown) {
    throw Fault.from(thrown, "bundle_invalid", `the bundle file \`${path}\` is not JSON`);
  }
}

/** Hashes of all files but the signature, by path, as a signer lists them. */
export function hashFiles(files: ReadonlyMap<string, Uint8Array>): readonly FileHash[] {
  return [...files]
    .filter(([path]) => path !== signaturesPath)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, bytes]) => ({ name, hash: hashFile(name, bytes), algorithm: "SHA-256" }));
}
