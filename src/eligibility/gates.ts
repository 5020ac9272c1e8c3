/** The gates of a bulk evaluation, compiled: what a device looks like to each of them, as a short text. */

import type { TimeCut } from "../pdp/cuts.ts";
import { Fault } from "../runtime/fault.ts";
import { type Bin, compileBin, type Scene } from "./bins.ts";

/** One gate: the reasons it gives, and the bins of the facts it looks at. */
export interface Gate {
  readonly reasons: ReadonlySet<string>;
  readonly bins: readonly Bin[];
}

/** Compiles the list that `sallyport/cuts` gives. Throws `bundle_invalid` where it is none. */
export function compileGates(listed: unknown, time: readonly TimeCut[]): readonly Gate[] {
  if (!Array.isArray(listed)) throw new Fault("bundle_invalid", "the cuts of `ota` list no gates");
  return listed.map((gate: unknown) => {
    const { reasons, facts } = (gate ?? {}) as Record<string, unknown>;
    if (!Array.isArray(reasons) || !Array.isArray(facts))
      throw new Fault("bundle_invalid", "a gate of `ota` has no `reasons` or no `facts`");
    return {
      reasons: new Set(reasons as string[]),
      bins: facts.map((fact) => compileBin(fact, time)),
    };
  });
}

/** What `scene` looks like to a gate. */
export function keyAt(gate: Gate, scene: Scene): string {
  let key = "";
  for (const bin of gate.bins) key += `${bin(scene)}|`;
  return key;
}
