/** What makes earlier answers wrong. */
import type { RecordKey } from "./facts.ts";

/**
 * A change of what decisions rest on. `records` are in force before the change is announced. `sequence` is the
 * position in the order of overrides, where an override made it; `revision` then means nothing else.
 */
export type Change =
  | {
      readonly scope: "records";
      readonly revision: number;
      readonly sequence?: number;
      readonly keys: readonly RecordKey[];
    }
  | { readonly scope: "everything"; readonly revision: number; readonly sequence?: number };
