/** What a builtin is. */
import type { Term } from "../term.ts";

/**
 * A builtin. Returns undefined where Rego is undefined; what it throws counts as undefined too, as in
 * OPA, except a Fault, which aborts the evaluation. Pure: equal arguments, equal result.
 */
export type Builtin = (...args: readonly Term[]) => Term | undefined;

/** Builtins by their Rego names. */
export type BuiltinTable = Readonly<Record<string, Builtin>>;

/** What a builtin may know beyond its arguments; it belongs to the evaluation, so a replay gives the same. */
export interface EvaluationContext {
  /** JSON text of the input. */
  input(): string;
}
