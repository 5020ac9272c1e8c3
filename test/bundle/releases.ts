/** Test support: releases of the shipped policy with other sequences and data, signed by whom one likes. */
import { readFileSync } from "node:fs";
import { readArchive } from "../../src/bundle/archive.ts";
import { defaultBundleLimits } from "../../src/bundle/bundle.ts";
import { type Letters, noLetters, signApproval, signRollback } from "../../src/bundle/letters.ts";
import type { Offer } from "../../src/bundle/offer.ts";
import { readBundle } from "../../src/bundle/read-bundle.ts";
import { signBundle } from "../../src/bundle/sign-bundle.ts";
import { writeArchive } from "../../src/bundle/write-archive.ts";
import { shippedPath } from "../shipped.ts";
import type { TestKey } from "./keys.ts";

type Json = Record<string, unknown>;

/** What a release differs in. */
export interface ReleaseOptions {
  readonly key?: TestKey;
  readonly wasm?: Uint8Array;
  /** Changes `metadata.sallyport` of the manifest. */
  readonly metadata?: Json;
  /** Changes the policy data. */
  readonly data?: (data: { site: Json }) => void;
  /** Files more, or instead. */
  readonly files?: Readonly<Record<string, string>>;
}

/** The archive of a release of the shipped policy, its revision `r<sequence>`. */
export async function releaseOf(sequence: number, options: ReleaseOptions = {}): Promise<Buffer> {
  const files = new Map(await readArchive(readFileSync(shippedPath), defaultBundleLimits));
  const text = (path: string): string => Buffer.from(files.get(path) ?? []).toString("utf8");
  const manifest = JSON.parse(text(".manifest")) as { metadata: { sallyport: Json } };
  const metadata = { ...manifest.metadata.sallyport, sequence, ...options.metadata };
  files.delete(".signatures.json");
  files.set(
    ".manifest",
    Buffer.from(JSON.stringify({ ...manifest, revision: `r${sequence}`, metadata: { sallyport: metadata } })),
  );
  if (options.data !== undefined) {
    const data = JSON.parse(text("data.json")) as { site: Json };
    options.data(data);
    files.set("data.json", Buffer.from(JSON.stringify(data)));
  }
  if (options.wasm !== undefined) files.set("policy.wasm", options.wasm);
  for (const [path, content] of Object.entries(options.files ?? {})) files.set(path, Buffer.from(content));
  const archive = await writeArchive(new Map([...files].map(([path, bytes]) => [`/${path}`, bytes])));
  return options.key === undefined ? archive : signBundle(archive, options.key.privateKey, "");
}

/** An archive as a source offers it. */
export async function offerOf(archive: Uint8Array, letters: Partial<Letters> = {}): Promise<Offer> {
  const bundle = await readBundle(archive);
  return { bundle, archive, letters: { ...noLetters, ...letters }, from: "test" };
}

/** An approval of an archive. */
export async function approvalOf(archive: Uint8Array, key: TestKey): Promise<string> {
  const { digest, revision, sequence } = await readBundle(archive);
  return signApproval({ digest, revision, sequence, iat: 1 }, key.privateKey);
}

/** A statement that permits to go back to an archive. */
export async function rollbackOf(
  archive: Uint8Array,
  key: TestKey,
  { from, exp = 4_000_000_000 }: { readonly from: number; readonly exp?: number },
): Promise<string> {
  const { digest, revision, sequence } = await readBundle(archive);
  return signRollback(
    { digest, revision, sequence, from, reason: "it denied too much", iat: 1, exp },
    key.privateKey,
  );
}
