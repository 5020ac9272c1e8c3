/** `unknown-reason`: a code that the service does not know makes the whole result `internal_error`. */
import { allowReasons, denyReasons, isAllowReason, isDenyReason } from "../../decision/reasons.ts";
import type { Term } from "../ast.ts";
import type { Finding } from "../finding.ts";
import type { Lint, LintFile, LintProject } from "./lint.ts";
import { branchesOf, isTerm, locationOf, termsIn, walk } from "./tree.ts";

const known = (code: string): boolean => isAllowReason(code) || isDenyReason(code);
const vocabulary: readonly string[] = [...allowReasons, ...denyReasons.keys()];
const snake = /^[a-z]+(?:_[a-z]+)+$/;

/** Edits between two words, up to 3. */
function distance(left: string, right: string): number {
  if (Math.abs(left.length - right.length) > 2) return 3;
  let row = Array.from({ length: right.length + 1 }, (_, at) => at);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) {
      const swap = (row[j - 1] as number) + (left[i - 1] === right[j - 1] ? 0 : 1);
      next[j] = Math.min(swap, (row[j] as number) + 1, (next[j - 1] as number) + 1);
    }
    row = next;
  }
  return row[right.length] as number;
}

function nearest(code: string, edits = 2): string | undefined {
  return vocabulary.find((each) => distance(code, each) <= edits);
}

function finding(code: string, place: { file: string; row: number; col: number }): Finding {
  const near = nearest(code);
  const fix =
    near === undefined
      ? "use one of docs/reasons.md; a site adds no codes of its own"
      : `did you mean \`${near}\`?`;
  return { code: "unknown-reason", ...place, message: `\`${code}\` is no reason code`, fix };
}

/** Strings that are codes by their place: `reason`, `findings`. */
function codesByPlace(node: unknown): Term[] {
  const found: Term[] = [];
  walk(node, (each) => {
    if (!isTerm(each) || each.type !== "object") return;
    for (const [key, value] of each.value as readonly (readonly [Term, Term])[]) {
      if (key.value === "reason" && value.type === "string") found.push(value);
      if (key.value === "findings" && value.type === "array")
        found.push(...(value.value as readonly Term[]).filter(({ type }) => type === "string"));
    }
  });
  return found;
}

function inRego({ path, scope }: LintFile): Finding[] {
  return branchesOf(scope.module).flatMap(({ rule }) => {
    const nodes = [rule.head, rule.body];
    const placed = new Set(codesByPlace(nodes));
    return termsIn(nodes).flatMap((term): Finding[] => {
      const code = term.value;
      if (term.type !== "string" || typeof code !== "string" || known(code)) return [];
      // Anywhere else only what is nearly a code, or every word of a policy would be one.
      if (!placed.has(term) && !(snake.test(code) && nearest(code, 1) !== undefined)) return [];
      const { row, col } = locationOf(term, rule.location);
      return [finding(code, { file: path, row, col })];
    });
  });
}

/** Lists and keys of the data that are codes for the most part are codes altogether. */
function inData({ data }: LintProject): Finding[] {
  const found: Finding[] = [];
  for (const { path, value, at } of data) {
    const judge = (
      codes: readonly string[],
      steps: (code: string, index: number) => (string | number)[],
    ): void => {
      const wrong = codes.filter((code) => !known(code));
      if (codes.length < 3 || wrong.length * 2 >= codes.length) return;
      for (const code of wrong)
        found.push(finding(code, { file: path, ...at(steps(code, codes.indexOf(code))) }));
    };
    const visit = (node: unknown, steps: readonly (string | number)[]): void => {
      if (Array.isArray(node)) {
        if (node.every((each) => typeof each === "string"))
          judge(node as string[], (_, index) => [...steps, index]);
        for (const [index, each] of node.entries()) visit(each, [...steps, index]);
      } else if (typeof node === "object" && node !== null) {
        judge(Object.keys(node), (code) => [...steps, code]);
        for (const [name, each] of Object.entries(node)) visit(each, [...steps, name]);
      }
    };
    visit(value, []);
  }
  return found;
}

/** Finds codes that are not in the vocabulary. */
export const unknownReason: Lint = (project) => [...project.files.flatMap(inRego), ...inData(project)];
