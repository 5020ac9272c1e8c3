/** Writes to the bucket that nodes share: nothing that others wrote is ever made less final. */
import type { OverrideTarget } from "../decision/override.ts";
import type { KeyValue } from "../runtime/ports.ts";
import { keyOf, readShared, type Shared, sharedText } from "./shared-override.ts";

type Heard = ReadonlyMap<string, Shared>;

/** Writes an entry that nobody has written. */
export async function putNew(bucket: KeyValue, heard: Heard, entry: Shared): Promise<void> {
  const key = keyOf(entry);
  if (!heard.has(key)) await bucket.putIf(key, sharedText(entry), 0);
}

/** Writes a mark where it is later than the one that is there. Marks only grow, whoever writes them. */
export async function putMark(
  bucket: KeyValue,
  heard: Heard,
  entry: Shared & { is: "mark" | "reentry" },
): Promise<void> {
  const key = keyOf(entry);
  const known = heard.get(key);
  if (known !== undefined && "since" in known && known.since >= entry.since) return;
  for (;;) {
    const had = await bucket.get(key);
    const before = had?.value === undefined ? undefined : readShared(had.value);
    if (before !== undefined && "since" in before && before.since >= entry.since) return;
    const revision = had?.value === undefined ? 0 : had.revision;
    if ((await bucket.putIf(key, sharedText(entry), revision)) !== undefined) return;
  }
}

/** Target of a mark as it is stored, `device:meter-001`. */
export function targetOf(text: string): OverrideTarget {
  const at = text.indexOf(":");
  return { kind: text.slice(0, at) as OverrideTarget["kind"], id: text.slice(at + 1) };
}
