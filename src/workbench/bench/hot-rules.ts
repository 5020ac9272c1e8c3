/** Where the time goes: OPA's profiler on the same inputs, summed by rule. */

import { policyFault } from "../finding.ts";
import { type Opa, runOpa } from "../opa.ts";
import { readOpaErrors, readOpaText } from "../opa-errors.ts";
import { type Asked, questionQuery } from "../opa-eval.ts";
import type { PolicyProject } from "../project.ts";
import { ignoreFlags } from "../sources.ts";

/** A rule with what OPA's interpreter spent in it, all inputs together. */
export interface HotRule {
  readonly file: string;
  readonly row: number;
  /** Its first line, as written. */
  readonly text: string;
  /** Share of the time that was spent in the project's rules, 0 to 1. */
  readonly share: number;
  /** Expressions of it that were evaluated. */
  readonly evaluated: number;
}

interface Printed {
  readonly profile?: readonly {
    readonly total_time_ns: number;
    readonly num_eval: number;
    readonly location: { readonly file: string; readonly row: number };
  }[];
}

/** The rules that take longest in OPA, which interprets: a hint for Wasm, not a measurement of it. @throws Fault `policy_invalid` */
export async function hotRules(
  opa: Opa,
  { dir, sources }: PolicyProject,
  asked: readonly Asked[],
  limit: number,
): Promise<readonly HotRule[]> {
  const flags = ["-f", "json", "--profile", "--profile-limit", "100000", "-b", ".", ...ignoreFlags()];
  const input = JSON.stringify({ asked });
  const run = await runOpa(opa, ["eval", ...flags, "--stdin-input", questionQuery(asked)], dir, input);
  if (run.code !== 0) throw policyFault(readOpaErrors(run.stdout) ?? readOpaText(run.stderr || run.stdout));
  const texts = new Map(sources.map(({ path, bytes }) => [path, bytes.toString("utf8").split("\n")]));
  const sums = new Map<string, { file: string; row: number; ns: number; evaluated: number }>();
  let totalNs = 0;
  for (const { total_time_ns, num_eval, location } of (JSON.parse(run.stdout) as Printed).profile ?? []) {
    const lines = texts.get(location.file);
    if (lines === undefined) continue;
    const row = headOf(lines, location.row);
    const key = `${location.file}:${row}`;
    const sum = sums.get(key) ?? { file: location.file, row, ns: 0, evaluated: 0 };
    sum.ns += total_time_ns;
    sum.evaluated += num_eval;
    totalNs += total_time_ns;
    sums.set(key, sum);
  }
  return [...sums.values()]
    .sort((a, b) => b.ns - a.ns)
    .slice(0, limit)
    .map(({ file, row, ns, evaluated }) => ({
      file,
      row,
      text: texts.get(file)?.[row - 1]?.trim() ?? "",
      share: ns / totalNs,
      evaluated,
    }));
}

/** The row on which the rule that holds a row begins: the last one before it that is not indented, closed or a comment. */
function headOf(lines: readonly string[], row: number): number {
  for (let at = row; at > 0; at--) if (/^[^\s})\]#]/.test(lines[at - 1] ?? "")) return at;
  return row;
}
