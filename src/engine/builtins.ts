/** Builtin functions of Rego that OPA does not compile into the module. */
import { Fault } from "../runtime/fault.ts";
import { sprintf } from "./sprintf.ts";
import type { Term } from "./term.ts";

/**
 * A builtin. Returns undefined where Rego is undefined; what it throws counts as undefined too, as in
 * OPA, except a Fault, which aborts the evaluation. Pure: equal arguments, equal result.
 */
export type Builtin = (...args: readonly Term[]) => Term | undefined;

const strings = (term: Term | undefined): readonly string[] => {
  if (typeof term === "string") return [term];
  if (!Array.isArray(term) && !(term instanceof Set)) throw new TypeError("not strings");
  const list: unknown[] = [...term];
  if (!list.every((item) => typeof item === "string")) throw new TypeError("not strings");
  return list;
};

const text = (term: Term | undefined): string => {
  if (typeof term !== "string") throw new TypeError("not a string");
  return term;
};

/** Whether any string of the first argument starts (ends) with any of the second; each a string, array or set. */
const anyAffix =
  (matches: (value: string, affix: string) => boolean): Builtin =>
  (values, affixes) => {
    const wanted = strings(affixes);
    return strings(values).some((value) => wanted.some((affix) => matches(value, affix)));
  };

/** Table of the builtins on offer, by Rego name. A policy that needs another is refused at load. */
export const builtins: Readonly<Record<string, Builtin>> = {
  sprintf: (format, values) => sprintf(text(format), values as Term),
  "strings.any_prefix_match": anyAffix((value, prefix) => value.startsWith(prefix)),
  "strings.any_suffix_match": anyAffix((value, suffix) => value.endsWith(suffix)),
  "strings.count": (search, part) => {
    if (text(part) === "") return Array.from(text(search)).length + 1;
    return text(search).split(text(part)).length - 1;
  },
};

/** Never offered: a decision reads its input and nothing else. Ends in a dot: a whole family. */
const forbidden: Readonly<Record<string, string>> = {
  "http.send": "it talks to the network",
  "net.lookup_ip_addr": "it talks to the network",
  "opa.runtime": "it reads the environment",
  "rego.": "it reads the policy itself",
  trace: "it writes to a trace",
  "rand.intn": "its result changes from call to call",
  "uuid.rfc4122": "its result changes from call to call",
};

/**
 * The functions for the builtins that a module names, by its ids.
 * @throws Fault `bundle_invalid` that names each builtin which is refused or not on offer
 */
export function resolveBuiltins(
  ids: Readonly<Record<string, number>>,
  table: Readonly<Record<string, Builtin>> = builtins,
): readonly Builtin[] {
  const resolved: Builtin[] = [];
  const refused: string[] = [];
  for (const [name, id] of Object.entries(ids)) {
    const why = Object.entries(forbidden).find(([entry]) =>
      entry.endsWith(".") ? name.startsWith(entry) : name === entry,
    )?.[1];
    const builtin = Object.hasOwn(table, name) ? table[name] : undefined;
    if (why !== undefined) refused.push(`\`${name}\` (${why})`);
    else if (builtin === undefined) refused.push(`\`${name}\` (not supported)`);
    else resolved[id] = builtin;
  }
  if (refused.length > 0) {
    throw new Fault("bundle_invalid", `the policy uses ${refused.join(", ")}, rewrite it without`);
  }
  return resolved;
}
