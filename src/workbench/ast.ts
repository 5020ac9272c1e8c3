/** Rego as OPA parses it: the part of its JSON that is read here. */
import { policyFault } from "./finding.ts";
import { type Opa, runOpa } from "./opa.ts";
import { readOpaErrors, readOpaText } from "./opa-errors.ts";

/** Where a node stands. `text` is its source in base64. */
export interface Location {
  readonly row: number;
  readonly col: number;
  readonly text?: string;
}

/** A term: a reference, a call, a literal, a comprehension... `value` depends on `type`. */
export interface Term {
  readonly type: string;
  readonly value: unknown;
  readonly location?: Location;
}

/** One statement of a body. `terms`: operator and operands, one term, or a `some`/`every` declaration. */
export interface Expr {
  readonly terms: Term | readonly Term[] | Readonly<Record<string, unknown>>;
  readonly negated?: boolean;
  readonly with?: readonly { readonly target: Term; readonly value: Term }[];
  readonly location?: Location;
}

/** What a rule defines. `args`: a function; `key`: a set or object. */
export interface Head {
  readonly name?: string;
  readonly ref: readonly Term[];
  readonly args?: readonly Term[];
  readonly key?: Term;
  readonly value?: Term;
  readonly assign?: boolean;
  readonly location?: Location;
}

/** One rule with what follows it in an `else`. */
export interface Rule {
  readonly head: Head;
  readonly body: readonly Expr[];
  readonly default?: boolean;
  readonly else?: Rule;
  readonly location?: Location;
}

/** One file. */
export interface Module {
  readonly package: { readonly path: readonly Term[] };
  readonly imports?: readonly {
    readonly path: Term;
    readonly alias?: string;
    readonly location?: Location;
  }[];
  readonly rules?: readonly Rule[];
  readonly comments?: readonly { readonly Text: string; readonly Location: Location }[];
}

/**
 * Parses one Rego file.
 * @throws Fault `policy_invalid`
 */
export async function parseFile(opa: Opa, dir: string, path: string, locations = true): Promise<Module> {
  const args = ["parse", "--format", "json", ...(locations ? ["--json-include", "locations,comments"] : [])];
  const run = await runOpa(opa, [...args, path], dir);
  if (run.code === 0) return JSON.parse(run.stdout) as Module;
  const said = run.stderr.trim() === "" ? run.stdout : run.stderr;
  throw policyFault(readOpaErrors(said) ?? readOpaText(said));
}

/** The tree without places and comments: equal trees mean the same. */
export function meaningOf(node: unknown): string {
  return JSON.stringify(node, (key, value: unknown) =>
    key === "location" || key === "Location" || key === "comments" ? undefined : value,
  );
}
