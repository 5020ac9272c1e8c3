/** The same policy evaluated by OPA itself, many inputs in one process. */
import type { Facts } from "./facts.ts";
import { policyFault } from "./finding.ts";
import { type Opa, runOpa } from "./opa.ts";
import { readOpaErrors, readOpaText } from "./opa-errors.ts";
import { ignoreFlags } from "./sources.ts";

/** One input for one entrypoint. */
export interface Asked {
  readonly entrypoint: string;
  readonly input: Facts;
}

/** Lines of a file, as OPA reports them. */
export interface LineRange {
  readonly start: { readonly row: number; readonly col?: number };
  readonly end: { readonly row: number; readonly col?: number };
}

/** What was evaluated of a file. */
export interface FileCoverage {
  readonly covered?: readonly LineRange[];
  readonly not_covered?: readonly LineRange[];
}

/** Values in the order of the questions, undefined where Rego is; coverage where it was asked for. */
export interface OpaAnswers {
  readonly values: readonly unknown[];
  readonly coverage: Readonly<Record<string, FileCoverage>>;
}

interface Printed {
  readonly result?: readonly { readonly expressions: readonly { readonly value: unknown }[] }[];
  readonly coverage?: { readonly files?: Readonly<Record<string, FileCoverage>> };
}

/** `sallyport/publish` as `data.sallyport.publish`. */
export function refOf(entrypoint: string): string {
  return `data.${(entrypoint.includes("/") ? entrypoint : `sallyport/${entrypoint}`).replaceAll("/", ".")}`;
}

/** A query that answers every question of `input.asked`, entrypoint by entrypoint. */
export function questionQuery(asked: readonly Asked[]): string {
  const entrypoints = [...new Set(asked.map(({ entrypoint }) => entrypoint))];
  // `with input as q.input` would not replace the input: the value must be bound first.
  const parts = entrypoints.map((entrypoint) => {
    const name = JSON.stringify(entrypoint);
    return `{"of": ${name}, "answers": [{"at": at, "value": value} | some at, q in input.asked; q.entrypoint == ${name}; i := q.input; value := ${refOf(entrypoint)} with input as i]}`;
  });
  return `[${parts.join(", ")}]`;
}

/** Evaluates every question. @throws Fault `policy_invalid` where OPA fails */
export async function evaluateByOpa(
  opa: Opa,
  dir: string,
  asked: readonly Asked[],
  coverage = false,
): Promise<OpaAnswers> {
  if (asked.length === 0) return { values: [], coverage: {} };
  const flags = ["-f", "json", "-b", ".", ...ignoreFlags(), "--stdin-input"];
  if (coverage) flags.push("--coverage", "--coverage-runs", "");
  const input = JSON.stringify({ asked });
  const run = await runOpa(opa, ["eval", ...flags, questionQuery(asked)], dir, input);
  if (run.code !== 0) {
    throw policyFault(readOpaErrors(run.stdout) ?? readOpaText(run.stderr || run.stdout));
  }
  const printed = JSON.parse(run.stdout) as Printed;
  const groups = (printed.result?.[0]?.expressions[0]?.value ?? []) as readonly {
    readonly answers: readonly { readonly at: number; readonly value: unknown }[];
  }[];
  const values: unknown[] = asked.map(() => undefined);
  for (const { answers } of groups) {
    for (const { at, value } of answers) values[at] = value;
  }
  return { values, coverage: printed.coverage?.files ?? {} };
}
