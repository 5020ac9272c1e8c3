/** `unreachable-rule`: no entrypoint needs it. `unreachable-else`: the branch before it always holds. */
import type { Rule } from "../ast.ts";
import type { Finding } from "../finding.ts";
import type { Lint, LintProject } from "./lint.ts";
import { nameOf, resolve } from "./names.ts";
import { branchesOf, locationOf, type Step, termsIn } from "./tree.ts";

interface Named {
  /** `data.sallyport.authz.publish.decision` as steps. */
  readonly path: readonly string[];
  readonly uses: readonly (readonly Step[])[];
}

function rulesOf({ files }: LintProject): Named[] {
  return files.flatMap(({ scope }) =>
    branchesOf(scope.module).map(({ rule, of }) => ({
      path: ["data", ...scope.package.split("."), nameOf(of)],
      uses: termsIn([rule.head, rule.body]).flatMap((term) => {
        const path = resolve(term, scope, new Map());
        return path?.[0] === "data" ? [path] : [];
      }),
    })),
  );
}

/** Whether a use may mean a rule: one path is the beginning of the other, and a varying step is any. */
function meets(use: readonly Step[], rule: readonly string[]): boolean {
  return rule.every((step, at) => at >= use.length || typeof use[at] !== "string" || use[at] === step);
}

function unreached(project: LintProject): ReadonlySet<string> {
  const waiting = new Set(rulesOf(project));
  const all = new Set([...waiting].map(({ path }) => path.join(".")));
  const reached = new Set<string>();
  let uses: (readonly Step[])[] = project.entrypoints.map((name) => ["data", ...name.split("/")]);
  while (uses.length > 0) {
    const next: (readonly Step[])[] = [];
    for (const named of waiting) {
      if (!uses.some((use) => meets(use, named.path))) continue;
      waiting.delete(named);
      reached.add(named.path.join("."));
      next.push(...named.uses);
    }
    uses = next;
  }
  return new Set([...all].filter((name) => !reached.has(name)));
}

/** A branch without a condition, with a value that is always there. */
function always({ body, head }: Rule): boolean {
  const [only] = body;
  const condition = only?.terms as { readonly type?: string; readonly value?: unknown } | undefined;
  const empty = body.length === 1 && condition?.type === "boolean" && condition.value === true;
  const scalar = ["string", "number", "boolean", "null"].includes(head.value?.type ?? "");
  return empty && scalar && head.args === undefined;
}

/** Finds what can never be evaluated. */
export const unreachable: Lint = (project) => {
  const missing = unreached(project);
  return project.files.flatMap(({ path, scope }) => {
    const told = new Set<string>();
    return branchesOf(scope.module).flatMap(({ rule, of, first }): Finding[] => {
      const { row, col } = locationOf(rule.head, rule.location);
      const name = nameOf(of);
      const found: Finding[] = [];
      if (first && missing.has(`data.${scope.package}.${name}`) && !told.has(name)) {
        told.add(name);
        const message = `no entrypoint needs \`${name}\``;
        const fix = "remove it, or use it; rules that only tests need belong in a _test.rego";
        found.push({ code: "unreachable-rule", file: path, row, col, message, fix });
      }
      if (rule.else !== undefined && always(rule)) {
        const at = locationOf(rule.else.head, rule.else.location);
        const message = "this `else` is never asked: the branch before it has no condition";
        found.push({
          code: "unreachable-else",
          file: path,
          row: at.row,
          col: at.col,
          message,
          fix: "remove it",
        });
      }
      return found;
    });
  });
};
