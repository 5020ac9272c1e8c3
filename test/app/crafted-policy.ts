/** Test support: the shipped policy, but for one input: a publish to a long topic makes it loop. */
import { releaseOf } from "../bundle/releases.ts";
import { loopingModule } from "../pdp/looping-module.ts";
import { shippedBundle } from "../shipped.ts";

/** A topic that makes it loop, below what the device may publish on. */
export const loopingStream = `ops/${"x".repeat(900)}`;

/** Its archive. */
export function craftedRelease(sequence: number): Promise<Buffer> {
  return releaseOf(sequence, { wasm: loopingModule(shippedBundle.wasm, "loop", true) });
}
