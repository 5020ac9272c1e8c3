/** Positions of a source's changes: what has none cannot be ordered, and must not be dropped as if it were old. */
import { Fault } from "../runtime/fault.ts";
import type { SyncEvent } from "./sync.ts";

const isPosition = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;

/** Throws `record_invalid` where an event's position is none; `alone`: no snapshot or bucket is under way. */
export function checkPosition(event: SyncEvent & { readonly revision: number }, alone: boolean): void {
  const { revision, type } = event;
  const ofRecord = type === "upsert" || type === "delete";
  const { prev = 0, version = 0 } = ofRecord ? event : {};
  const change = ofRecord && alone;
  if (isPosition(revision) && isPosition(prev) && isPosition(version) && (!change || revision > 0)) return;
  throw new Fault(
    "record_invalid",
    `a \`${type}\` has no position that orders it: \`revision\` must be a whole number from ${change ? 1 : 0} to 2^53 - 1, \`prev\` and \`version\` likewise or 0`,
  );
}
