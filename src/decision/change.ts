/** What makes earlier answers wrong. */
import type { RecordKey } from "./facts.ts";

/** A change of what decisions rest on. `records` are in force before the change is announced. */
export type Change =
  | { readonly scope: "records"; readonly revision: number; readonly keys: readonly RecordKey[] }
  | { readonly scope: "everything"; readonly revision: number };
