/** A bundle as the service would load it. */
import type { Bundle } from "../bundle/bundle.ts";
import { loadPolicy } from "../engine/load-policy.ts";
import { createSnapshot, entrypointsOf, type PolicySnapshot } from "../pdp/snapshot.ts";

/** Loads a bundle as the service would. @throws Fault `bundle_invalid` */
export function proveBundle(bundle: Bundle): PolicySnapshot {
  const { revision, sequence, schemas, wasm, data } = bundle;
  const policy = loadPolicy({ wasm, data, required: entrypointsOf(schemas) });
  return createSnapshot({ revision, sequence, policy, schemas, activatedAt: 0 });
}
