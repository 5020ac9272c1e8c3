/** Whether a bundle may be put to use: signed by a key that may, approved by as many more as the keyset asks for. */
import { Fault } from "../runtime/fault.ts";
import { isUsable, type Keyset } from "./keyset.ts";
import { approversFor, type Letters } from "./letters.ts";
import { verifyFiles } from "./signatures.ts";

/** Names of keys behind a bundle. */
export interface Proof {
  /** `undefined`: it is not signed, and that is allowed. */
  readonly signer: string | undefined;
  readonly approvers: readonly string[];
  /** Distinct keys behind it, and how many are needed. */
  readonly keys: number;
  readonly needed: number;
  /** Whose approval would help; empty once there are enough. */
  readonly waitsFor: readonly string[];
  readonly keyset: number;
}

/** By what bundles are proved. */
export interface TrustRules {
  /** `undefined`: none is configured. */
  readonly keyset: Keyset | undefined;
  /** Scope that signatures must be for; empty: none. */
  readonly scope: string;
  readonly unsigned: "refuse" | "allow";
}

/** The proof of a bundle that nobody signed. */
const unproved: Proof = { signer: undefined, approvers: [], keys: 0, needed: 0, waitsFor: [], keyset: 0 };

/**
 * Proves the files of an archive.
 * @param now unix seconds
 * @throws Fault `bundle_untrusted` where a signature is missing, wrong, or by a key that may not. Too few approvals
 * are no fault: the proof says whom it waits for
 */
export function proveBundle(
  archive: { readonly files: ReadonlyMap<string, Uint8Array>; readonly digest: string },
  letters: Letters,
  { keyset, scope, unsigned }: TrustRules,
  now: number,
): Proof {
  const signer = keyset === undefined ? undefined : verifyFiles(archive.files, keyset, scope, now);
  if (keyset === undefined || signer === undefined) {
    if (unsigned === "allow") return unproved;
    throw new Fault(
      "bundle_untrusted",
      keyset === undefined
        ? "no keyset says who may sign bundles: give `bundle.keyset`, or `bundle.unsigned: allow`"
        : "the bundle is not signed: use `sallyport bundle sign` or `opa sign`, or set `bundle.unsigned: allow`",
    );
  }
  const approvers = approversFor(archive.digest, letters, keyset, now).filter(({ id }) => id !== signer.id);
  const keys = 1 + approvers.length;
  const open = keyset.keys.filter(
    (key) => key.id !== signer.id && isUsable(key, "approve", now) && !approvers.includes(key),
  );
  return {
    signer: signer.name,
    approvers: approvers.map(({ name }) => name),
    keys,
    needed: keyset.threshold,
    waitsFor: keys >= keyset.threshold ? [] : open.map(({ name }) => name),
    keyset: keyset.version,
  };
}

/** Whether enough keys stand behind it. */
export function isProved({ keys, needed }: Proof): boolean {
  return keys >= needed;
}
