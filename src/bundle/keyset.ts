/** Who may ship policy: a versioned set of public keys with roles, scopes, expiries and a threshold. */
import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import * as z from "zod";
import { Fault } from "../runtime/fault.ts";
import { goJson } from "./go-json.ts";
import { algorithmOf, parseJws, signJws, verifiedBy } from "./jws.ts";

/** What a key may do: sign bundles, approve them and rollbacks, sign the next keyset. */
export type KeyRole = "sign" | "approve" | "keyset";

/** One key that may be used. */
export interface TrustedKey {
  /** SHA-256 of its public key (SPKI, DER), in hex. */
  readonly id: string;
  readonly name: string;
  readonly roles: readonly KeyRole[];
  /** Scopes of OPA's signature claim `scope` that it may sign for; `*` for any, and for none. */
  readonly scopes: readonly string[];
  /** Unix seconds. */
  readonly not_before: number;
  readonly not_after: number;
  readonly key: KeyObject;
}

/** A keyset in force, or offered. */
export interface Keyset {
  readonly version: number;
  /** How many distinct keys must stand behind a bundle, its signer included. */
  readonly threshold: number;
  readonly keys: readonly TrustedKey[];
  /** SHA-256 over the canonical JSON of its body, in hex; what the next keyset's signatures are over. */
  readonly digest: string;
  /** Signatures over this keyset by keys of the one before, and by its own. */
  readonly signatures: readonly string[];
  /** The file as it was read. */
  readonly text: string;
}

const instant = z.int().min(0).max(253_402_300_799);
const bodySchema = z.strictObject({
  version: z.int().min(1),
  threshold: z.int().min(1).max(16),
  keys: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(64),
        roles: z.array(z.enum(["sign", "approve", "keyset"])).min(1),
        scopes: z.array(z.string().min(1)).min(1).default(["*"]),
        not_before: instant.default(0),
        not_after: instant,
        public_key: z.string().min(1),
      }),
    )
    .min(1)
    .max(64),
});
const fileSchema = z.strictObject({
  keyset: bodySchema,
  signatures: z.array(z.string()).max(64).default([]),
});

const invalid = (message: string, cause?: unknown): Fault =>
  new Fault("keyset_invalid", `the keyset ${message}`, cause === undefined ? {} : { cause });

/** Type of the tokens that sign a keyset. */
const keysetType = "sallyport-keyset+jwt";

/** Identity of a public key: SHA-256 of its DER, in hex. */
export function keyIdOf(key: KeyObject): string {
  const spki = (key.type === "private" ? createPublicKey(key) : key).export({ type: "spki", format: "der" });
  return createHash("sha256").update(spki).digest("hex");
}

/** Reads a keyset file. Throws `keyset_invalid`. */
export function readKeyset(text: string): Keyset {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (thrown) {
    throw invalid("is not JSON", thrown);
  }
  const parsed = fileSchema.safeParse(json);
  if (!parsed.success) throw invalid(`is malformed: ${z.prettifyError(parsed.error).replaceAll("\n", " ")}`);
  const { keyset, signatures } = parsed.data;
  const keys = keyset.keys.map(({ public_key, ...entry }): TrustedKey => {
    const key = publicKeyOf(public_key, entry.name);
    return { ...entry, id: keyIdOf(key), key };
  });
  for (const member of ["id", "name"] as const) {
    const values = keys.map((key) => key[member]);
    const twice = values.find((value, at) => values.indexOf(value) !== at);
    if (twice !== undefined) throw invalid(`has two keys of the ${member} \`${twice}\`: each counts once`);
  }
  checkReach({ ...keyset, keys });
  return {
    version: keyset.version,
    threshold: keyset.threshold,
    keys,
    digest: digestOf((json as { keyset: unknown }).keyset),
    signatures,
    text,
  };
}

function publicKeyOf(pem: string, name: string): KeyObject {
  // A private key would be taken as its public half, and then lie about in a file that everybody reads.
  if (pem.includes("PRIVATE")) throw invalid(`holds a private key as \`${name}\`: it is no secret any more`);
  try {
    const key = createPublicKey(pem);
    algorithmOf(key);
    return key;
  } catch (thrown) {
    throw Fault.from(thrown, "keyset_invalid", `the public key \`${name}\` of the keyset cannot be used`);
  }
}

/** A threshold that its own keys cannot reach would lock everybody out. */
function checkReach({ keys, threshold }: Pick<Keyset, "keys" | "threshold">): void {
  if (!keys.some(({ roles }) => roles.includes("sign"))) throw invalid("has no key with the role `sign`");
  const count = keys.filter(({ roles }) => roles.includes("sign") || roles.includes("approve")).length;
  if (count < threshold) throw invalid(`asks for ${threshold} keys and has ${count} that sign or approve`);
}

/** Digest of a keyset's body. */
export function digestOf(body: unknown): string {
  return createHash("sha256")
    .update(goJson(JSON.stringify(body)))
    .digest("hex");
}

/** Whether a key may be used for `role` at `now` (unix seconds). */
export function isUsable(key: TrustedKey, role: KeyRole, now: number): boolean {
  return key.roles.includes(role) && now >= key.not_before && now < key.not_after;
}

/** Signs a keyset that is to follow another, by a key of either. */
export function signKeyset(digest: string, key: KeyObject): string {
  return signJws({ digest }, key, keyIdOf(key), keysetType);
}

function signersOf(next: Keyset, by: Keyset, now: number): number {
  const tokens = next.signatures
    .map(parseJws)
    .filter(
      ({ type, payload }) => type === keysetType && (payload as { digest?: unknown }).digest === next.digest,
    );
  return by.keys.filter(
    (key) => isUsable(key, "keyset", now) && tokens.some((token) => verifiedBy(token, key.key)),
  ).length;
}

/**
 * Checks that `next` may replace `current`: the next version, signed by a threshold of the old keys and of its own.
 * @throws Fault `keyset_invalid`
 */
export function checkSuccession(current: Keyset, next: Keyset, now: number): void {
  if (next.version !== current.version + 1) {
    throw invalid(`has version ${next.version}; only ${current.version + 1} can follow the one in force`);
  }
  const [old, own] = [signersOf(next, current, now), signersOf(next, next, now)];
  if (old < current.threshold) {
    throw invalid(
      `version ${next.version} is signed by ${old} keys of version ${current.version}, ${current.threshold} are needed: \`sallyport keyset sign\``,
    );
  }
  if (own < next.threshold) {
    throw invalid(
      `version ${next.version} is signed by ${own} keys of its own, ${next.threshold} are needed: \`sallyport keyset sign\``,
    );
  }
}
