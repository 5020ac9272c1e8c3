/** `uncut-time`: a comparison with the clock that the cuts do not list gives stale answers from the cache. */

import { isFacts } from "../facts.ts";
import type { Finding } from "../finding.ts";
import { isTimeLibrary, type Lint, type LintProject } from "./lint.ts";
import { dealias, localsOf, resolve, wordPath } from "./names.ts";
import { branchesOf, callsIn, locationOf, termsIn } from "./tree.ts";

const guards: Readonly<Record<string, string>> = { lag: "lag", age: "age", skew: "skew" };

interface Listed {
  readonly facts: ReadonlySet<string>;
  readonly guards: ReadonlySet<string>;
}

/** What the cuts list, over all models and kinds. */
function listed(cuts: unknown): Listed | undefined {
  if (!isFacts(cuts)) return undefined;
  const facts = new Set<string>();
  const found = new Set<string>();
  for (const byKind of Object.values(cuts).filter(isFacts)) {
    for (const list of Object.values(byKind).filter(isFacts)) {
      for (const cut of Array.isArray(list["time"]) ? list["time"] : [])
        facts.add(String((cut as { fact?: unknown }).fact));
      for (const cut of Array.isArray(list["daily"]) ? list["daily"] : []) {
        const { fact, offset } = cut as { fact?: unknown; offset?: unknown };
        facts.add(String(fact)).add(String(offset));
      }
      for (const name of Object.keys(guards)) {
        const marks = list[name];
        if (Array.isArray(marks) && marks.length > 0) found.add(name);
      }
    }
  }
  return { facts, guards: found };
}

/** Finds comparisons through `lib/time` that no cut lists. What reaches it as a function's argument is not followed. */
export const uncutTime: Lint = (project: LintProject) => {
  const cuts = listed(project.cuts);
  const libraries = new Set(project.files.filter(isTimeLibrary).map(({ scope }) => `data.${scope.package}`));
  if (cuts === undefined || libraries.size === 0) return [];
  return project.files
    .filter((file) => !isTimeLibrary(file))
    .flatMap(({ path, scope }) =>
      branchesOf(scope.module).flatMap(({ rule }) => {
        const locals = localsOf(rule, scope, project.aliases);
        const found: Finding[] = [];
        const object = (node: Parameters<typeof locationOf>[0], what: string, list: string): void => {
          const { row, col } = locationOf(node, rule.location);
          const message = `the clock is compared with \`${what}\`, which no cut lists`;
          const fix = `list it under \`${list}\` in the cuts: without it the cache goes on answering after the change`;
          found.push({ code: "uncut-time", file: path, row, col, message, fix });
        };
        const ofTime = (steps: readonly unknown[] | undefined): string | undefined => {
          const name = wordPath((steps ?? []) as string[]);
          const library = [...libraries].find((each) => name.startsWith(`${each}.`));
          return library === undefined ? undefined : name.slice(library.length + 1);
        };
        const nodes = [rule.head, rule.body];
        for (const { call, node } of callsIn(nodes)) {
          const operator = resolve({ type: "ref", value: refOf(call.name) }, scope, locals);
          if (ofTime(operator) === undefined) continue;
          const fact = dealias(
            resolve(call.args[0] ?? { type: "null", value: null }, scope, locals),
            project.aliases,
          );
          if (fact?.[0] !== "input") continue;
          const word = wordPath(fact.slice(1));
          if (!cuts.facts.has(word)) object(node, word, "time");
        }
        for (const term of termsIn(nodes)) {
          const name = guards[ofTime(resolve(term, scope, locals)) ?? ""];
          if (name !== undefined && !cuts.guards.has(name)) object(term, `lib.time.${name}`, name);
        }
        return found;
      }),
    );
};

function refOf(name: string): object[] {
  return name.split(".").map((value, at) => ({ type: at === 0 ? "var" : "string", value }));
}
