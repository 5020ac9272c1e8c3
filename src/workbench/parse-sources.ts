/** Every Rego file of a project, parsed. */
import { availableParallelism } from "node:os";
import { type Module, parseFile } from "./ast.ts";
import type { Opa } from "./opa.ts";
import type { Source } from "./sources.ts";

/** A source file and its tree. */
export interface Parsed {
  readonly path: string;
  readonly text: string;
  readonly module: Module;
}

/** Parses the Rego among the sources, some at a time. @throws Fault `policy_invalid` */
export async function parseSources(
  opa: Opa,
  dir: string,
  sources: readonly Source[],
): Promise<readonly Parsed[]> {
  const files = sources.filter(({ path }) => path.endsWith(".rego"));
  const parsed: Parsed[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let at = next++; at < files.length; at = next++) {
      const { path, bytes } = files[at] as Source;
      parsed[at] = { path, text: bytes.toString("utf8"), module: await parseFile(opa, dir, path) };
    }
  };
  await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, work));
  return parsed;
}
