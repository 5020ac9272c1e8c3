/** A policy from a bundle file or a project's folder. */
import { statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { readBundle } from "../bundle/read-bundle.ts";
import { loadPolicy } from "../engine/load-policy.ts";
import { requiredEntrypoints } from "../pdp/snapshot.ts";
import { Fault } from "../runtime/fault.ts";
import { buildBundle } from "./build.ts";
import type { PolicyParts } from "./diff-fleet.ts";
import { needOpa } from "./opa.ts";
import { PolicyHost } from "./policy-host.ts";
import { openProject, type PolicyProject } from "./project.ts";

/** A policy that can be asked. */
export interface OpenPolicy {
  readonly host: PolicyHost;
  /** What it is loaded from, to be handed to threads. */
  readonly parts: PolicyParts;
  readonly revision: string;
  /** The sources, where it was built from them. */
  readonly project: PolicyProject | undefined;
}

/**
 * Opens a bundle (`.tar.gz`) as it is, or builds a project in memory, which needs OPA.
 * @throws Fault `request_invalid`, `policy_invalid`, `bundle_invalid`, `tool_missing`
 */
export async function openPolicy(path: string): Promise<OpenPolicy> {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined)
    throw new Fault(
      "request_invalid",
      `there is no policy at \`${path}\`; give a bundle or a project's folder`,
    );
  const project = found.isDirectory() ? openProject(path) : undefined;
  const bundle =
    project === undefined
      ? await readBundle(await readFile(path))
      : (await buildBundle(needOpa(), project, 0)).bundle;
  const { wasm, data, schemas, revision } = bundle;
  // What is asked is written by `JSON.stringify`: it need not be looked at again.
  const policy = loadPolicy({ wasm, data, required: requiredEntrypoints, limits: { verifyInput: false } });
  return { host: new PolicyHost(policy, schemas), parts: { wasm, data, schemas }, revision, project };
}
