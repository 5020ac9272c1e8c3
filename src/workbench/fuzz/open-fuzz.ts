/** Everything that fuzzing a project needs: the compiled policy, its invariants, and situations to start from. */
import { loadPolicy } from "../../engine/load-policy.ts";
import { requiredEntrypoints } from "../../pdp/snapshot.ts";
import { buildBundle } from "../build.ts";
import { readCases } from "../cases.ts";
import { defaultQuestions, fleetSamples, readFleetRecords, type Sample } from "../fleet-questions.ts";
import type { Opa } from "../opa.ts";
import { PolicyHost } from "../policy-host.ts";
import type { PolicyProject } from "../project.ts";
import type { FuzzOptions } from "./fuzz-policy.ts";
import { readInvariants } from "./invariants.ts";

/** What {@link fuzzPolicy} takes from a project. */
export type FuzzGround = Omit<FuzzOptions, "runs" | "seed" | "asked">;

/**
 * Builds the project and gathers its cases, and the devices of a fleet file where one is given.
 * @param now the moment of the fleet's questions, unix seconds
 * @throws Fault `policy_invalid`, `request_invalid`
 */
export async function openFuzz(
  opa: Opa,
  project: PolicyProject,
  fleet: { readonly path: string; readonly now: number } | undefined,
): Promise<FuzzGround> {
  const [{ bundle }, invariants] = await Promise.all([
    buildBundle(opa, project, 0),
    readInvariants(opa, project),
  ]);
  const { wasm, data, schemas } = bundle;
  // Inputs are written by `JSON.stringify`: they need not be looked at again.
  const policy = loadPolicy({ wasm, data, required: requiredEntrypoints, limits: { verifyInput: false } });
  const rows = readCases(project).map(({ id, ask, facts }): Sample => ({ from: id, ask, facts }));
  const devices =
    fleet === undefined
      ? []
      : [...fleetSamples(await readFleetRecords(fleet.path, fleet.now), defaultQuestions, fleet.now)];
  return {
    host: new PolicyHost(policy, schemas),
    schemas: project.schemas,
    data,
    cuts: policy.evaluate("sallyport/cuts", "{}"),
    invariants,
    bases: [...rows, ...devices],
  };
}
