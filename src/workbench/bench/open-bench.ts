/** Everything that a benchmark of a project needs: its policy, an empty one, and inputs. */
import { readFileSync } from "node:fs";
import { loadPolicy } from "../../engine/load-policy.ts";
import type { Policy } from "../../engine/policy.ts";
import { requiredEntrypoints } from "../../pdp/snapshot.ts";
import { ownFile } from "../../runtime/own-files.ts";
import { buildBundle } from "../build.ts";
import type { Sample } from "../fleet-questions.ts";
import type { Opa } from "../opa.ts";
import type { Asked } from "../opa-eval.ts";
import { PolicyHost } from "../policy-host.ts";
import type { PolicyProject } from "../project.ts";

const emptyModule = ownFile("bundles/empty.wasm");

/** What {@link openBench} prepares. */
export interface BenchGround {
  readonly policy: Policy;
  readonly empty: Policy;
  readonly emptyEntrypoint: string;
  /** Inputs that reach the policy. */
  readonly asked: readonly Asked[];
  /** Questions that the service refuses before it asks the policy: they cost it nothing. */
  readonly refused: number;
}

/** Builds the project and projects the questions. @throws Fault `policy_invalid`, `not_found` */
export async function openBench(
  opa: Opa,
  project: PolicyProject,
  samples: readonly Sample[],
): Promise<BenchGround> {
  const { bundle } = await buildBundle(opa, project, 0);
  const { wasm, data, schemas } = bundle;
  const limits = { verifyInput: false };
  const policy = loadPolicy({ wasm, data, required: requiredEntrypoints, limits });
  const empty = loadPolicy({ wasm: readFileSync(emptyModule), data: {}, required: [], limits });
  const host = new PolicyHost(policy, schemas);
  const asked = samples.flatMap(({ ask, facts }): Asked[] => {
    const { input } = host.question(ask, facts);
    return input === undefined ? [] : [{ entrypoint: ask, input }];
  });
  const [emptyEntrypoint = ""] = empty.entrypoints;
  return { policy, empty, emptyEntrypoint, asked, refused: samples.length - asked.length };
}
