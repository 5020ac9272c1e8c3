/** Test support: keys made on the spot, and keysets of them. */
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import {
  digestOf,
  type KeyRole,
  type Keyset,
  keyIdOf,
  readKeyset,
  signKeyset,
} from "../../src/bundle/keyset.ts";

/** A key pair with the name it goes by. */
export interface TestKey {
  readonly name: string;
  readonly id: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly pem: { readonly private: string; readonly public: string };
}

const makers = {
  ed25519: () => generateKeyPairSync("ed25519"),
  rsa: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
  ec: () => generateKeyPairSync("ec", { namedCurve: "prime256v1" }),
} as const;

/** Makes a key. */
export function makeKey(name: string, type: keyof typeof makers = "ed25519"): TestKey {
  const { privateKey, publicKey } = makers[type]();
  return {
    name,
    id: keyIdOf(publicKey),
    privateKey,
    publicKey,
    pem: {
      private: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      public: publicKey.export({ type: "spki", format: "pem" }).toString(),
    },
  };
}

/** What an entry may say besides. */
export interface EntryOptions {
  readonly roles?: readonly KeyRole[];
  readonly scopes?: readonly string[];
  readonly not_before?: number;
  readonly not_after?: number;
}

/** The text of a keyset file. */
export function keysetText(
  keys: readonly (readonly [TestKey, EntryOptions?])[],
  { version = 1, threshold = 1, signers = [] as readonly TestKey[] } = {},
): string {
  const keyset = {
    version,
    threshold,
    keys: keys.map(([key, options = {}]) => ({
      name: key.name,
      roles: ["sign", "approve", "keyset"],
      not_after: 4_000_000_000,
      ...options,
      public_key: key.pem.public,
    })),
  };
  return JSON.stringify({
    keyset,
    signatures: signers.map(({ privateKey }) => signKeyset(digestOf(keyset), privateKey)),
  });
}

/** A keyset of these keys. */
export function keysetOf(...args: Parameters<typeof keysetText>): Keyset {
  return readKeyset(keysetText(...args));
}
