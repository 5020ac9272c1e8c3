/** Why a decision is as it is: OPA's trace on the same input, as rules and lines. */

import type { Facts } from "./facts.ts";
import { policyFault } from "./finding.ts";
import { type Opa, runOpa } from "./opa.ts";
import { readOpaErrors, readOpaText } from "./opa-errors.ts";
import { refOf } from "./opa-eval.ts";
import type { PolicyProject } from "./project.ts";
import { ignoreFlags } from "./sources.ts";

/** A rule that held. */
export interface HeldRule {
  readonly file: string;
  readonly row: number;
  /** Its first line, as written. */
  readonly text: string;
  /** Rules that asked for it, counted from the entrypoint. */
  readonly depth: number;
  /** Whether its value or member is the reason that was given. */
  readonly gives: boolean;
}

/** A rule that was asked and did not hold. */
export interface FailedRule {
  readonly file: string;
  readonly row: number;
  readonly text: string;
  /** The statement that failed. */
  readonly at: { readonly row: number; readonly text: string };
  /** Place of the rule that asked for it, as `file:row`. */
  readonly askedBy: string | undefined;
}

/** Rules in the order in which they were asked, each place once. */
export interface Trace {
  readonly held: readonly HeldRule[];
  readonly failed: readonly FailedRule[];
}

interface Event {
  readonly Op: string;
  readonly Node: unknown;
  readonly Location?: { readonly file?: string; readonly row?: number };
  readonly QueryID: number;
  readonly ParentID: number;
}

interface Query {
  readonly id: number;
  readonly file: string;
  readonly row: number;
  readonly node: unknown;
  held: boolean;
  failedRow: number;
}

/**
 * Traces an entrypoint on an input.
 * @param reason code of the answer, to mark the rules that give it
 * @throws Fault `policy_invalid` where OPA cannot evaluate it
 */
export async function tracePolicy(
  opa: Opa,
  project: PolicyProject,
  entrypoint: string,
  input: Facts,
  reason: string,
): Promise<Trace> {
  // Rules that OPA's index leaves out would be missing from the reasons.
  const how = ["--explain", "full", "--disable-indexing"];
  const flags = ["-f", "json", ...how, "-b", ".", ...ignoreFlags(), "--stdin-input"];
  const run = await runOpa(opa, ["eval", ...flags, refOf(entrypoint)], project.dir, JSON.stringify(input));
  if (run.code !== 0) throw policyFault(readOpaErrors(run.stdout) ?? readOpaText(run.stderr || run.stdout));
  const events = (JSON.parse(run.stdout) as { readonly explanation?: readonly Event[] }).explanation ?? [];
  const sources = new Map(
    project.sources.map(({ path, bytes }) => [path, bytes.toString("utf8").split("\n")]),
  );
  const line = (file: string, row: number): string => sources.get(file)?.[row - 1]?.trim() ?? "";
  return readTrace(events, line, reason);
}

const isRule = (node: unknown): boolean => typeof node === "object" && node !== null && "head" in node;

function readTrace(
  events: readonly Event[],
  line: (file: string, row: number) => string,
  reason: string,
): Trace {
  const parents = new Map<number, number>();
  const rules = new Map<number, Query>();
  const told: Query[] = [];
  for (const { Op, Node, Location, QueryID, ParentID } of events) {
    parents.set(QueryID, ParentID);
    const { file = "", row = 0 } = Location ?? {};
    if (Op === "Enter" && isRule(Node)) {
      const query = { id: QueryID, file, row, node: Node, held: false, failedRow: row };
      rules.set(QueryID, query);
      told.push(query);
    }
    const query = rules.get(QueryID);
    if (query === undefined) continue;
    if (Op === "Exit") query.held = true;
    if (Op === "Fail") query.failedRow = row;
  }
  const askers = (id: number): Query[] => {
    const found: Query[] = [];
    for (let at = parents.get(id); at !== undefined; at = parents.get(at)) {
      const rule = rules.get(at);
      if (rule !== undefined) found.push(rule);
      if (parents.get(at) === at) break;
    }
    return found;
  };
  const seen = new Set<string>();
  const once = (query: Query): boolean => {
    const key = `${query.held} ${query.file}:${query.row}`;
    return !seen.has(key) && seen.add(key) !== undefined;
  };
  const literal = `"value":${JSON.stringify(reason)}`;
  const held = told
    .filter((query) => query.held && once(query))
    .map(({ id, file, row, node }): HeldRule => {
      const { head } = node as { readonly head: unknown };
      const gives = JSON.stringify(head).includes(literal);
      return { file, row, text: line(file, row), depth: askers(id).length, gives };
    });
  const failed = told
    .filter((query) => !query.held && once(query))
    .map(({ id, file, row, failedRow }): FailedRule => {
      const [asker] = askers(id);
      const askedBy = asker === undefined ? undefined : `${asker.file}:${asker.row}`;
      return {
        file,
        row,
        text: line(file, row),
        at: { row: failedRow, text: line(file, failedRow) },
        askedBy,
      };
    });
  return { held, failed };
}
