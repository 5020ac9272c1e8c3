/** Writes to the bucket that nodes share: nothing that others wrote is ever made less final. */
import type { OverrideTarget } from "../decision/override.ts";
import type { KeyValue } from "../runtime/ports.ts";
import type { DutyLedger } from "./duty-ledger.ts";
import type { Overrides } from "./overrides.ts";
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

/** Writes what is in force here and nobody has heard of. */
export async function shareEverything(
  bucket: KeyValue,
  heard: Heard,
  overrides: Pick<Overrides, "list" | "marks">,
  ledger: Pick<DutyLedger, "claims" | "reentries">,
): Promise<void> {
  for (const override of overrides.list()) await putNew(bucket, heard, { is: "set", override });
  for (const [target, since] of overrides.marks())
    await putMark(bucket, heard, { is: "mark", target: targetOf(target), since });
  for (const [device, since] of ledger.reentries())
    await putMark(bucket, heard, { is: "reentry", device, since });
  for (const [fingerprint, device] of ledger.claims())
    await putNew(bucket, heard, { is: "claim", fingerprint, device });
}

/** Target of a mark as it is stored, `device:meter-001`. */
function targetOf(text: string): OverrideTarget {
  const at = text.indexOf(":");
  return { kind: text.slice(0, at) as OverrideTarget["kind"], id: text.slice(at + 1) };
}
