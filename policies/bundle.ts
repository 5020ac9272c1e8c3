/** One policy bundle: what is in it, how it is compiled, whether the committed one is still its sources'. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Files, readArchive, writeArchive } from "./archive.ts";
import { type Opa, opaVersion, runOpa } from "./opa.ts";
import { policySources, type Source, sourcesDigest } from "./sources.ts";

/** The entrypoints of contract 1. */
export const entrypoints: readonly string[] = [
  "sallyport/connect",
  "sallyport/publish",
  "sallyport/subscribe",
  "sallyport/command",
  "sallyport/grants",
  "sallyport/cuts",
  "system/log/mask",
];

/** Every root that the bundle owns. */
const roots = ["sallyport", "site", "system/log"];

const ignored = ["*_test.rego", "cases", "schemas", "*.ts"];

/** OPA's manifest with our metadata. */
export interface Manifest {
  readonly revision: string;
  readonly roots: readonly string[];
  readonly wasm: readonly { readonly entrypoint: string; readonly module: string }[];
  readonly metadata: {
    readonly sallyport: {
      readonly contract: 1;
      readonly sequence: number;
      readonly schemas: Readonly<Record<string, unknown>>;
      readonly sources: string;
      readonly built_with: string;
    };
  };
}

/** Flags that keep tests, tables and schemas out of what OPA loads. */
export function ignoreFlags(): string[] {
  return ignored.flatMap((pattern) => ["--ignore", pattern]);
}

/** Compiles a folder of Rego. OPA's optimiser at 2 does not end on ours; at 1 it panics on a constant policy. */
export async function compile(
  opa: Opa,
  folder: string,
  entries: readonly string[],
  optimize: 0 | 1,
): Promise<Files> {
  const out = mkdtempSync(join(tmpdir(), "sallyport-policy-"));
  try {
    const archive = join(out, "bundle.tar.gz");
    const entryFlags = entries.flatMap((entry) => ["-e", entry]);
    runOpa(opa, ["check", "-b", "--strict", ...ignoreFlags(), "."], folder);
    runOpa(
      opa,
      ["build", "-t", "wasm", "-O", `${optimize}`, "-b", ...ignoreFlags(), ...entryFlags, "-o", archive, "."],
      folder,
    );
    return await readArchive(readFileSync(archive));
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

function file(files: Files, path: string): Buffer {
  const bytes = files.get(path);
  if (bytes === undefined) throw new Error(`compiled bundle lacks \`${path}\``);
  return bytes;
}

function schemasOf(sources: readonly Source[]): Record<string, unknown> {
  const named = sources.filter(({ path }) => path.startsWith("schemas/"));
  return Object.fromEntries(
    named.map(({ path, bytes }) => [
      path.slice("schemas/".length, -".json".length),
      JSON.parse(bytes.toString("utf8")),
    ]),
  );
}

/** Compiles `policies` into the files of a bundle. */
export async function buildBundle(opa: Opa, policies: string, sequence: number): Promise<Files> {
  const sources = policySources(policies);
  const digest = sourcesDigest(sources);
  const compiled = await compile(opa, policies, entrypoints, 0);
  const manifest: Manifest = {
    revision: `${digest.slice(0, 12)}-${sequence}`,
    roots,
    wasm: entrypoints.map((entrypoint) => ({ entrypoint, module: "/policy.wasm" })),
    metadata: {
      sallyport: {
        contract: 1,
        sequence,
        schemas: schemasOf(sources),
        sources: digest,
        built_with: `opa ${opaVersion(opa, policies)}`,
      },
    },
  };
  return new Map([
    ["/.manifest", Buffer.from(JSON.stringify(manifest))],
    ["/data.json", file(compiled, "/data.json")],
    ["/policy.wasm", file(compiled, "/policy.wasm")],
  ]);
}

/** The manifest of a bundle's files. */
export function manifestOf(files: Files): Manifest {
  return JSON.parse(file(files, "/.manifest").toString("utf8")) as Manifest;
}

/** Whether the committed archive is of these sources; needs no OPA. */
export async function isCurrent(archive: Buffer, policies: string): Promise<boolean> {
  const manifest = manifestOf(await readArchive(archive));
  return manifest.metadata.sallyport.sources === sourcesDigest(policySources(policies));
}

/** Whether two bundles hold the same files, whatever compressed them. */
export function sameFiles(left: Files, right: Files): boolean {
  return (
    left.size === right.size && [...left].every(([path, bytes]) => right.get(path)?.equals(bytes) === true)
  );
}

/** Writes the archive of the files. */
export async function saveBundle(files: Files, path: string): Promise<void> {
  writeFileSync(path, await writeArchive(files));
}
