/**
 * A part of OPA's cases with their compiled modules in one file, so that `npm test` asks them without Go and without
 * the module cache. The modules share OPA's runtime, which compresses to once.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";
import { parseTerm } from "../../src/engine/term.ts";
import type { Case } from "./judge.ts";

/** The committed file. */
export const subsetFile: string = join(import.meta.dirname, "subset.br");

/** A case with its module. */
export interface CompiledCase {
  readonly area: string;
  readonly one: Case;
  readonly wasm: Uint8Array;
}

/** A case as the index has it: its line keeps numbers of any size. */
export interface IndexedCase {
  readonly area: string;
  readonly line: string;
  readonly wasm: Uint8Array;
}

const newline = 0x0a;

/** Puts cases into one file's bytes. */
export function packSubset(version: string, cases: readonly IndexedCase[]): Uint8Array {
  const head = {
    version,
    cases: cases.map(({ area, line, wasm }) => ({ area, line, bytes: wasm.byteLength })),
  };
  const bytes = Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), ...cases.map(({ wasm }) => wasm)]);
  return brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_QUALITY]: 11 },
  });
}

/** The cases of the committed file. */
export function readSubset(): { readonly version: string; readonly cases: readonly CompiledCase[] } {
  const bytes = brotliDecompressSync(readFileSync(subsetFile));
  const end = bytes.indexOf(newline);
  const head = JSON.parse(bytes.toString("utf8", 0, end)) as {
    readonly version: string;
    readonly cases: readonly { readonly area: string; readonly line: string; readonly bytes: number }[];
  };
  let at = end + 1;
  const cases = head.cases.map(({ area, line, bytes: length }) => {
    const wasm = bytes.subarray(at, at + length);
    at += length;
    return { area, one: (parseTerm(line) as ReadonlyMap<string, unknown>).get("case") as Case, wasm };
  });
  return { version: head.version, cases };
}
