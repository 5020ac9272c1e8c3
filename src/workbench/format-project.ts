/** Formats a whole project; a file that would come to mean something else stays as it is. */
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Finding, sortFindings } from "./finding.ts";
import { formatSource } from "./format.ts";
import type { Opa } from "./opa.ts";
import { invariantSources, policySources, testSources } from "./sources.ts";

/** What became of the files. */
export interface FormatReport {
  /** Files that were, or without writing would be, changed. */
  readonly changed: readonly string[];
  /** Files that must stay as they are, with the reason. */
  readonly refused: readonly Finding[];
  /** Files that were looked at. */
  readonly total: number;
}

/** Formats rules, tests and invariants of the project in `dir`; `write: false` only looks. @throws Fault `tool_missing` */
export async function formatProject(opa: Opa, dir: string, write: boolean): Promise<FormatReport> {
  const sources = [...policySources(dir), ...testSources(dir), ...invariantSources(dir)].filter(({ path }) =>
    path.endsWith(".rego"),
  );
  const changed: string[] = [];
  const refused: Finding[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let source = sources[next++]; source !== undefined; source = sources[next++]) {
      const formatted = await formatSource(opa, dir, source);
      if (formatted.objection !== undefined) refused.push(formatted.objection);
      if (!formatted.changed || formatted.text === undefined) continue;
      changed.push(source.path);
      if (write) replace(join(dir, source.path), formatted.text);
    }
  };
  await Promise.all([work(), work()]);
  return { changed: changed.sort(), refused: sortFindings(refused), total: sources.length };
}

/** Renamed into place: an editor or a crash never sees half a file. */
function replace(path: string, text: string): void {
  const beside = `${path}.${process.pid}.tmp`;
  writeFileSync(beside, text);
  renameSync(beside, path);
}
