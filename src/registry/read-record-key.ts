/** Keys of records as sources say them. */
import type { RecordKey } from "../decision/facts.ts";
import { isSafeId } from "../decision/ids.ts";
import { isRecordKind } from "./record-validator.ts";

/**
 * The text as the key of a record that could be there; `undefined`: it is none. INVARIANT: no other text reaches a
 * store, whose own keys begin otherwise, and which bounds their length.
 */
export function readRecordKey(text: string): RecordKey | undefined {
  const at = text.indexOf(":");
  const kind = text.slice(0, Math.max(0, at));
  if (!isRecordKind(kind)) return undefined;
  const id = text.slice(at + 1);
  return isIdOf(kind, id) ? `${kind}:${id}` : undefined;
}

function isIdOf(kind: string, id: string): boolean {
  if (kind !== "firmware_policy" && kind !== "report") return isSafeId(id);
  const [first = "", second = "", ...more] = id.split("/", 3);
  if (more.length > 0 || !isSafeId(second)) return false;
  return kind === "report" ? first === "device" || first === "verifier" : isSafeId(first);
}
