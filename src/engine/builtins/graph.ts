/** Graphs and subsets. */
import type { Term } from "../term.ts";
import type { BuiltinTable } from "./builtin.ts";
import { equal, get, has, isArray, isMap, isSet, map, members, setOf, type TermMap } from "./operands.ts";

const neighbours = (graph: TermMap, node: Term): readonly Term[] | undefined => {
  const edges = get(graph, node);
  if (edges === undefined) return undefined;
  return isArray(edges) || isSet(edges) ? [...edges] : [];
};

function walk(graph: TermMap, node: Term, path: readonly Term[], found: Term[]): void {
  const next = neighbours(graph, node);
  if (next === undefined) {
    found.push(path);
    return;
  }
  const longer = [...path, node];
  if (next.length === 0) found.push(longer);
  for (const neighbour of next) {
    if (longer.some((visited) => equal(visited, neighbour))) found.push(longer);
    else walk(graph, neighbour, longer, found);
  }
}

function reachablePaths(graph: TermMap, initial: readonly Term[]): Term {
  const found: Term[] = [];
  for (const node of initial) if (neighbours(graph, node) !== undefined) walk(graph, node, [], found);
  return setOf(found);
}

/** Whether `part` is somewhere in `whole`, in a row. */
function inRow(whole: readonly Term[], part: readonly Term[]): boolean {
  for (let from = 0; from + part.length <= whole.length; from++) {
    if (part.every((item, index) => equal(item, whole[from + index] as Term))) return true;
  }
  return false;
}

function subset(whole: Term | undefined, part: Term | undefined): boolean | undefined {
  if (isMap(whole) && isMap(part)) {
    return [...part].every(([key, value]) => {
      const other = get(whole, key);
      return other !== undefined && (equal(other, value) || subset(other, value) === true);
    });
  }
  if (isSet(whole) && isSet(part)) return [...part].every((item) => has(whole, item));
  if (isArray(whole) && isArray(part)) return inRow(whole, part);
  return undefined;
}

/** Builtins on graphs and objects that the module lacks. */
export const graphBuiltins: BuiltinTable = {
  "graph.reachable_paths": (graph, initial) => reachablePaths(map(graph), members(initial)),
  "object.subset": (whole, part) => {
    if (isArray(whole) && isSet(part)) {
      return whole.length > 0 && [...part].every((item) => whole.some((other) => equal(item, other)));
    }
    return subset(whole, part);
  },
};
