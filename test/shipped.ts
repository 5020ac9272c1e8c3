/** The bundle that the project ships, and a second revision of it with other numbers. */
import { readFileSync } from "node:fs";
import path from "node:path";
import type { Bundle } from "../src/bundle/bundle.ts";
import { readBundle } from "../src/bundle/read-bundle.ts";
import { loadPolicy } from "../src/engine/load-policy.ts";
import { createSnapshot, entrypointsOf, type PolicySnapshot } from "../src/pdp/snapshot.ts";
import { type Json, mergePatch } from "./cases/table.ts";

/** Path of the committed bundle. */
export const shippedPath: string = path.resolve(import.meta.dirname, "../bundles/sallyport.tar.gz");

/** Path of the keyset that it is signed for. */
export const exampleKeysetPath: string = path.resolve(
  import.meta.dirname,
  "../examples/quickstart/keys/keyset.json",
);

/** The committed bundle, read once. */
export const shippedBundle: Bundle = await readBundle(readFileSync(shippedPath));

function snapshotOf(bundle: Bundle, revision: string, data: unknown): PolicySnapshot {
  // As the service loads it: its inputs are the work of JSON.stringify.
  const limits = { verifyInput: false };
  const policy = loadPolicy({ wasm: bundle.wasm, data, required: entrypointsOf(bundle.schemas), limits });
  return createSnapshot({
    revision,
    sequence: bundle.sequence,
    policy,
    schemas: bundle.schemas,
    activatedAt: 0,
  });
}

/** The committed policy, ready to be asked. */
export function shippedSnapshot(): PolicySnapshot {
  return snapshotOf(shippedBundle, shippedBundle.revision, shippedBundle.data);
}

/** The same rules with other policy data: `patch` is a JSON merge patch of the data's root `site`. */
export function patchedSnapshot(revision: string, patch: Json): PolicySnapshot {
  return snapshotOf(shippedBundle, revision, mergePatch(shippedBundle.data, { site: patch }));
}
