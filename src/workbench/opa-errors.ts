/** What OPA objects to, as findings. */
import type { Finding } from "./finding.ts";

interface OpaError {
  readonly message: string;
  readonly code?: string;
  readonly location?: { readonly file?: string; readonly row?: number; readonly col?: number };
  readonly details?: unknown;
}

/** One error of OPA: its code in ours, and the details that only it knows. */
export interface Objection extends Finding {
  readonly details: unknown;
}

const remedies: readonly (readonly [said: RegExp, fix: string])[] = [
  [/unexpected .* token|unexpected .*keyword|rego_parse_error/, "correct the syntax there"],
  [/is unsafe/, "give the variable a value in this rule before it is used, as `some x in xs` does"],
  [/undefined function/, "define it, import its package, or correct its name"],
  [/import .* unused/, "remove the import"],
  [/assigned var .* unused/, "use the variable or write `_`"],
  [/undefined ref: input/, "name a fact of the input schema, or add the fact to it"],
  [
    /match error|invalid argument|rego_type_error/,
    "compare and call with values of the type that the input schemas say",
  ],
  [/recursive/, "break the circle: a rule cannot rest on itself"],
];

function fixOf(message: string, code: string): string | undefined {
  return remedies.find(([said]) => said.test(message) || said.test(code))?.[1];
}

/** OPA's JSON (`{"errors": [...]}`) as objections; `undefined` where the text is something else. */
export function readOpaErrors(printed: string): Objection[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(printed);
  } catch {
    return undefined;
  }
  const errors = (value as { readonly errors?: readonly OpaError[] }).errors;
  if (!Array.isArray(errors)) return undefined;
  return (errors as readonly OpaError[]).map(({ message, code = "", location = {}, details }) => {
    const told = `${message}${sidesOf(details)}`.replace(/\s+/g, " ").trim();
    const { file = ".", row = 1, col = 1 } = location;
    return { ...finding(code, file, row, Math.max(col, 1), told), details };
  });
}

interface Type {
  readonly type?: string;
}

/** The two sides of a comparison that can never hold. */
function sidesOf(details: unknown): string {
  const { a, b } = (details ?? {}) as { readonly a?: Type; readonly b?: Type };
  return a?.type === undefined || b?.type === undefined ? "" : `: ${a.type} is never ${b.type}`;
}

const placed = /([\w./-]+\.(?:rego|ya?ml|json)):(\d+)(?::(\d+))?:? ?(.*)/;

/** A plain-text complaint of OPA as findings: those with a place, or all of it as one. */
export function readOpaText(text: string): Finding[] {
  const lines = text.split("\n").flatMap((line) => {
    const [, file, row, col, said = ""] = placed.exec(line) ?? [];
    if (file === undefined) return [];
    const [, code, message = said] = /^(rego_\w+): (.*)$/.exec(said) ?? [];
    return [finding(code ?? "", file, Number(row), Number(col ?? 1), message)];
  });
  if (lines.length > 0) return lines;
  const told = text
    .replace(/^error: /, "")
    .replace(/\s+/g, " ")
    .trim();
  return [finding("", ".", 1, 1, told)];
}

function finding(code: string, file: string, row: number, col: number, message: string): Finding {
  const fix = fixOf(message, code);
  const name = code.replace(/^rego_/, "").replaceAll("_", "-") || "compile-error";
  return { code: name, file, row, col, message, ...(fix === undefined ? {} : { fix }) };
}
