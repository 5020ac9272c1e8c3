/** Builtin functions of Rego that OPA does not compile into the module. */
import { Fault } from "../runtime/fault.ts";
import { awsBuiltins } from "./builtins/aws.ts";
import type { Builtin, BuiltinTable, EvaluationContext } from "./builtins/builtin.ts";
import { cryptoBuiltins } from "./builtins/crypto.ts";
import { encodingBuiltins } from "./builtins/encoding.ts";
import { graphBuiltins } from "./builtins/graph.ts";
import { graphqlBuiltins } from "./builtins/graphql.ts";
import { jsonBuiltins } from "./builtins/json.ts";
import { jwtBuiltins } from "./builtins/jwt.ts";
import { netBuiltins } from "./builtins/net.ts";
import { numberBuiltins } from "./builtins/numbers.ts";
import { privateKeyBuiltins } from "./builtins/private-keys.ts";
import { regexBuiltins } from "./builtins/regex.ts";
import { semverBuiltins } from "./builtins/semver.ts";
import { stringBuiltins } from "./builtins/strings.ts";
import { clockBuiltins, timeBuiltins } from "./builtins/time.ts";
import { unitBuiltins } from "./builtins/units.ts";
import { uriBuiltins } from "./builtins/uri.ts";
import { certificateBuiltins, chainBuiltins } from "./builtins/x509.ts";

/** Builtins that need no more than their arguments. */
const pure: BuiltinTable = {
  ...awsBuiltins,
  ...certificateBuiltins,
  ...cryptoBuiltins,
  ...encodingBuiltins,
  ...graphBuiltins,
  ...graphqlBuiltins,
  ...jsonBuiltins,
  ...netBuiltins,
  ...numberBuiltins,
  ...privateKeyBuiltins,
  ...regexBuiltins,
  ...semverBuiltins,
  ...stringBuiltins,
  ...timeBuiltins,
  ...unitBuiltins,
  ...uriBuiltins,
};

/** Table of the builtins on offer, by Rego name. A policy that needs another is refused at load. */
export const builtins = (context: EvaluationContext): BuiltinTable => ({
  ...pure,
  ...chainBuiltins(context),
  ...clockBuiltins(context),
  ...jwtBuiltins(context),
});

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
  table: BuiltinTable,
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
