/** The shipped bundle: built by the workbench, as any author's; whether the committed one is still its sources'. */
import { createPrivateKey } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { signFiles } from "../src/bundle/signatures.ts";
import { writeArchive } from "../src/bundle/write-archive.ts";
import { buildBundle as build } from "../src/workbench/build.ts";
import { openProject } from "../src/workbench/project.ts";
import { policySources, sourcesDigest } from "../src/workbench/sources.ts";
import { type Files, readArchive } from "./archive.ts";
import type { Opa } from "./opa.ts";

const exampleKey = fileURLToPath(new URL("../examples/quickstart/keys/example.pem", import.meta.url));

/** The entrypoints of the shipped bundle: the contract's, and one for each further schema. */
export const entrypoints: readonly string[] = openProject(
  fileURLToPath(new URL(".", import.meta.url)),
).entrypoints;

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

/** Compiles `policies` into the files of a bundle. */
export async function buildBundle(opa: Opa, policies: string, sequence: number): Promise<Files> {
  const { files } = await build(opa, openProject(policies), sequence);
  return signed(new Map([...files].map(([path, bytes]) => [path, Buffer.from(bytes)])));
}

/** The files with a signature by the example key, whose private half everybody has: the same bytes each time. */
function signed(files: Files): Files {
  const named = new Map([...files].map(([path, bytes]) => [path.slice(1), bytes]));
  const signatures = signFiles(named, createPrivateKey(readFileSync(exampleKey)), "");
  return new Map([...files, ["/.signatures.json", Buffer.from(signatures)]]);
}

/** The manifest of a bundle's files. */
export function manifestOf(files: Files): Manifest {
  return JSON.parse(files.get("/.manifest")?.toString("utf8") ?? "{}") as Manifest;
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
