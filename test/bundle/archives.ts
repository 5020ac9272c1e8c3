/** Test support: small bundles, whole and otherwise. */
import { gzipSync } from "node:zlib";
import { type Header, pack } from "tar-stream";

export const manifest = {
  revision: "r1",
  roots: ["sallyport", "site"],
  wasm: [
    { entrypoint: "sallyport/publish", module: "/policy.wasm" },
    { entrypoint: "sallyport/cuts", module: "/policy.wasm" },
  ],
  metadata: {
    sallyport: {
      contract: 1,
      sequence: 7,
      schemas: { publish: { type: "object", properties: { now: { type: "integer" } }, required: ["now"] } },
      sources: "abc",
      built_with: "opa 1.22.2",
    },
  },
};

/** A bundle's files; the module is a stand-in, since reading a bundle does not compile it. */
export const files: Readonly<Record<string, string | Uint8Array>> = {
  "/.manifest": JSON.stringify(manifest),
  "/data.json": JSON.stringify({ site: { floors: { meter: 3 } } }),
  "/policy.wasm": Buffer.from(Array.from({ length: 3000 }, (_, at) => (at * at) % 251)),
};

/** One entry of a tar, with whatever header. */
export type Entry = Pick<Header, "name"> & Partial<Header> & { content?: string | Uint8Array };

/** The tar of these entries. */
export async function tarOf(entries: readonly Entry[]): Promise<Buffer> {
  const tar = pack();
  for (const { content, ...header } of entries) {
    tar.entry({ mtime: new Date(0), ...header }, Buffer.from(content ?? ""));
  }
  tar.finalize();
  const parts: Buffer[] = [];
  for await (const part of tar) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/** The bundle of {@link files}, with these replaced (or left out, where undefined) and those entries added. */
export async function bundleOf(
  replaced: Readonly<Record<string, string | Uint8Array | undefined>> = {},
  added: readonly Entry[] = [],
): Promise<Buffer> {
  const all = Object.entries({ ...files, ...replaced }).flatMap(([name, content]) =>
    content === undefined ? [] : [{ name, content }],
  );
  return gzipSync(await tarOf([...all, ...added]));
}

/** The bundle with another manifest. */
export const withManifest = (other: unknown): Promise<Buffer> =>
  bundleOf({ "/.manifest": JSON.stringify(other) });
