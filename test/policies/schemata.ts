/**
 * All mutants of the policies in one policy: every rule, and every branch of an `else`, is guarded by a number, and
 * the one whose number stands in `data.off` is as if it had been removed. So one compilation serves them all.
 */
import type { Expr, Module, Rule } from "../../src/workbench/ast.ts";

/** One rule that can be taken away. */
export interface Mutant {
  readonly id: number;
  readonly file: string;
  readonly row: number;
  /** First line of the rule. */
  readonly text: string;
}

interface Clause {
  readonly at: number;
  readonly row: number;
  readonly body: readonly Expr[];
  readonly fixed: boolean;
}

/** Puts guards into one formatted file; `first` is the number of its first rule. */
export function guarded(
  file: string,
  source: string,
  module: Module,
  first: number,
): { readonly source: string; readonly mutants: readonly Mutant[] } {
  const lines = source.split("\n");
  const starts = [0];
  for (const line of lines) starts.push((starts.at(-1) ?? 0) + line.length + 1);
  const place = ({ row = 1, col = 1 }: { row?: number; col?: number }): number =>
    (starts[row - 1] ?? 0) + col - 1;
  const clauses = (module.rules ?? [])
    .flatMap((rule) => branches(rule))
    .map(
      (rule): Clause => ({
        at: place(rule.location ?? {}),
        row: rule.location?.row ?? 0,
        body: rule.body,
        fixed: rule.default === true,
      }),
    )
    .sort((a, b) => a.at - b.at);
  const mutants: Mutant[] = [];
  const parts: string[] = [source.slice(0, clauses[0]?.at ?? source.length)];
  for (const [i, clause] of clauses.entries()) {
    const text = source.slice(clause.at, clauses[i + 1]?.at ?? source.length);
    if (clause.fixed) {
      parts.push(text);
      continue;
    }
    const id = first + mutants.length;
    const firstExpr = clause.body[0]?.location;
    const body = firstExpr === undefined ? -1 : place(firstExpr) - clause.at;
    const length = Buffer.from(firstExpr?.text ?? "", "base64").toString("utf8").length;
    parts.push(guard(text, body, length, `data.off != ${id}`));
    mutants.push({ id, file, row: clause.row, text: lines[clause.row - 1] ?? "" });
  }
  return { source: parts.join(""), mutants };
}

function branches(rule: Rule): Rule[] {
  return rule.else === undefined ? [rule] : [rule, ...branches(rule.else)];
}

/** A clause with a condition more: in its block, beside its one condition, or as its only one. */
function guard(text: string, body: number, length: number, condition: string): string {
  const before = text.slice(0, Math.max(body, 0)).trimEnd();
  if (/\bif \{$/.test(before)) return `${text.slice(0, body)}${condition}; ${text.slice(body)}`;
  if (/\bif$/.test(before)) {
    const end = body + length;
    return `${text.slice(0, body)}{ ${condition}; ${text.slice(body, end)} }${text.slice(end)}`;
  }
  // Comments after the clause belong to the next one.
  const own = text.replace(/(?:\s*^#.*$)+\s*$/m, "").trimEnd();
  return `${own} if ${condition}${text.slice(own.length)}`;
}
