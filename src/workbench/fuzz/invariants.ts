/** What an author states must never be: Rego in `invariants/`, compiled with the policy and asked of each answer. */
import { loadPolicy } from "../../engine/load-policy.ts";
import type { Policy } from "../../engine/policy.ts";
import { compilePolicy } from "../compile.ts";
import type { Facts } from "../facts.ts";
import { isFacts } from "../facts.ts";
import { policyFault } from "../finding.ts";
import { nameOf } from "../lint/names.ts";
import { branchesOf, locationOf } from "../lint/tree.ts";
import type { Opa } from "../opa.ts";
import { parseSources } from "../parse-sources.ts";
import type { PolicyProject } from "../project.ts";
import { invariantSources } from "../sources.ts";

/** One sentence of `never`, and where it stands. */
export interface Statement {
  readonly text: string;
  readonly file: string;
  readonly row: number;
}

/** The answer that invariants are asked about. */
export interface Asked {
  /** Entrypoint without `sallyport/`. */
  readonly ask: string;
  readonly facts: Facts;
  readonly answer: {
    readonly allow: boolean;
    readonly reason: string;
    readonly findings: readonly string[];
    readonly obligations: object;
  };
}

/** The invariants of a project. */
export interface Invariants {
  readonly statements: readonly Statement[];
  /** Sentences that this answer violates. */
  violated(asked: Asked): readonly string[];
  /** Changes that take trust away, as merge patches by name. */
  harms(asked: Asked): Readonly<Record<string, unknown>>;
  /** Whether this answer may open although a harm was done (`harm`) or a fact is absent (`absent`). */
  excused(asked: Asked & { readonly harm?: string; readonly absent?: string }): boolean;
}

const packageName = "invariants";

/** Where there are none. */
export const noInvariants: Invariants = {
  statements: [],
  violated: () => [],
  harms: () => ({}),
  excused: () => false,
};

/** Compiles `invariants/*.rego` of a project; {@link noInvariants} where there is no such file. @throws Fault `policy_invalid` */
export async function readInvariants(opa: Opa, project: PolicyProject): Promise<Invariants> {
  const sources = invariantSources(project.dir);
  if (sources.length === 0) return noInvariants;
  const parsed = await parseSources(opa, project.dir, sources);
  const rules = parsed.flatMap(({ path, module }) => {
    const name = module.package.path.slice(1).map(({ value }) => String(value));
    return name.join(".") === packageName
      ? branchesOf(module).map(({ rule }) => ({ path, rule, name: nameOf(rule) }))
      : [];
  });
  const has = (name: string): boolean => rules.some((rule) => rule.name === name);
  if (!has("never")) {
    throw policyFault([
      {
        code: "no-invariants",
        file: sources[0]?.path ?? packageName,
        row: 1,
        col: 1,
        message: `no rule \`never\` in \`package ${packageName}\``,
        fix: 'write `never contains "what must never be" if { ... }`; docs/policy-authors.md says how',
      },
    ]);
  }
  const { wasm, data } = await compilePolicy(opa, {
    dir: project.dir,
    entrypoints: ["never", "harms", "excused"].filter(has).map((name) => `${packageName}/${name}`),
    optimize: 0,
    with: { invariants: true },
  });
  const policy = loadPolicy({
    wasm,
    data: JSON.parse(Buffer.from(data).toString("utf8")),
    required: [`${packageName}/never`],
    limits: { verifyInput: false, maxInputBytes: 1 << 20 },
  });
  const statements = rules.flatMap(({ path, rule, name }): Statement[] => {
    if (name !== "never" || rule.head.key?.type !== "string") return [];
    return [{ text: String(rule.head.key.value), file: path, row: locationOf(rule, rule.head.location).row }];
  });
  return invariantsOf(policy, statements, has);
}

function invariantsOf(
  policy: Policy,
  statements: readonly Statement[],
  has: (name: string) => boolean,
): Invariants {
  const evaluate = (name: string, asked: Asked): unknown =>
    policy.evaluate(`${packageName}/${name}`, JSON.stringify(asked));
  return {
    statements,
    violated: (asked) => {
      const found = evaluate("never", asked);
      return Array.isArray(found)
        ? found.map((each) => (typeof each === "string" ? each : JSON.stringify(each)))
        : [];
    },
    harms: (asked) => {
      const found = has("harms") ? evaluate("harms", asked) : undefined;
      return isFacts(found) ? found : {};
    },
    excused: (asked) => has("excused") && evaluate("excused", asked) === true,
  };
}
