/** One question to a project: facts from a file or a case, asked of the compiled module and of OPA. */

import { Fault } from "../runtime/fault.ts";
import { buildBundle } from "./build.ts";
import { canonical } from "./canonical.ts";
import { readCases } from "./cases.ts";
import type { Facts } from "./facts.ts";
import type { Opa } from "./opa.ts";
import { evaluateByOpa } from "./opa-eval.ts";
import { type HostAnswer, PolicyHost } from "./policy-host.ts";
import type { PolicyProject } from "./project.ts";

/** What to ask. */
export interface Ask {
  /** Entrypoint; without `sallyport/` where it has a schema. */
  readonly entrypoint: string;
  /** Facts, or the input itself of an entrypoint without a schema. */
  readonly facts: Facts;
}

/** What the two engines said. */
export interface Told {
  readonly entrypoint: string;
  /** The answer that the service would give; absent for an entrypoint without a schema. */
  readonly answer: HostAnswer | undefined;
  /** The input as the policy saw it; absent where the service denied before it. */
  readonly input: Facts | undefined;
  /** What the compiled module returned; undefined where it is, or was not asked. */
  readonly wasm: unknown;
  readonly opa: unknown;
  readonly alike: boolean;
}

/**
 * The question of a case, by its id (`commands#3`) or name.
 * @throws Fault `not_found`, `policy_invalid` where tables are wrong
 */
export function askOfCase(project: PolicyProject, name: string): Ask {
  const rows = readCases(project);
  const found = rows.filter((row) => row.id === name || row.name === name);
  const [row, ...others] = found;
  if (row === undefined)
    throw new Fault(
      "not_found",
      `there is no case \`${name}\`; \`sallyport policy test --json\` lists their ids`,
    );
  if (others.length > 0)
    throw new Fault(
      "request_invalid",
      `${found.length} cases are named \`${name}\`; give an id, as \`${row.id}\``,
    );
  return { entrypoint: row.ask, facts: row.facts };
}

/** Builds the project in memory and asks. @throws Fault `policy_invalid`, `not_found` for an unknown entrypoint */
export async function askPolicy(opa: Opa, project: PolicyProject, { entrypoint, facts }: Ask): Promise<Told> {
  const name = entrypoint.replace(/^sallyport\//, "");
  const full = name.includes("/") ? name : `sallyport/${name}`;
  if (!project.entrypoints.includes(full)) {
    const known = project.entrypoints.map((each) => each.replace(/^sallyport\//, "")).join(", ");
    throw new Fault("not_found", `there is no entrypoint \`${entrypoint}\`; there are ${known}`);
  }
  const { snapshot } = await buildBundle(opa, project, 0);
  const answer = Object.hasOwn(project.schemas, name)
    ? new PolicyHost(snapshot.policy, project.schemas).decide(name, facts)
    : undefined;
  const input = answer === undefined ? facts : answer.input;
  if (input === undefined)
    return { entrypoint: name, answer, input, wasm: undefined, opa: undefined, alike: true };
  const wasm = answer === undefined ? snapshot.policy.evaluate(full, JSON.stringify(input)) : answer.result;
  const { values } = await evaluateByOpa(opa, project.dir, [{ entrypoint: name, input }]);
  return {
    entrypoint: name,
    answer,
    input,
    wasm,
    opa: values[0],
    alike: canonical(wasm) === canonical(values[0]),
  };
}
