/** `sallyport policy`: the tools of policy authors. */
import type { Command } from "commander";
import { policyBench } from "./policy-bench.ts";
import { policyBuild } from "./policy-build.ts";
import { policyCheck } from "./policy-check.ts";
import { policyDiff } from "./policy-diff.ts";
import { policyEval } from "./policy-eval.ts";
import { policyExplain } from "./policy-explain.ts";
import { policyFmt } from "./policy-fmt.ts";
import { policyFuzz } from "./policy-fuzz.ts";
import { policyInspect } from "./policy-inspect.ts";
import { policyNew } from "./policy-new.ts";
import { policyTest } from "./policy-test.ts";

/** Adds the group and its commands. */
export function policy(program: Command): void {
  const parent = program
    .command("policy")
    .summary("write, test and build policies")
    .description(
      "Write, test and build policies. A policy project is a folder with Rego, data.yaml, schemas/ and cases/;\n" +
        "docs/policy-authors.md leads from the first rule to the bundle. OPA's compiler is needed: $OPA, opa on the\n" +
        "path, or Go, which builds the pinned version once.",
    );
  policyNew(parent);
  policyCheck(parent);
  policyFmt(parent);
  policyTest(parent);
  policyEval(parent);
  policyExplain(parent);
  policyInspect(parent);
  policyFuzz(parent);
  policyBench(parent);
  policyDiff(parent);
  policyBuild(parent);
}
