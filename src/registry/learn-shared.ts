/** What another node has done, put in force here. */
import type { DutyLedger } from "./duty-ledger.ts";
import type { Overrides } from "./overrides.ts";
import type { Shared } from "./shared-override.ts";

/** Resolves when every process of this node acts on it. Entries only grow more final: the order does not count. */
export async function learnShared(
  shared: Exclude<Shared, { readonly is: "node" }>,
  { ledger, overrides }: { readonly ledger: DutyLedger; readonly overrides: Overrides },
): Promise<void> {
  switch (shared.is) {
    case "set":
      return overrides.learnSet(shared.override);
    case "ended":
      return overrides.learnEnd(shared);
    case "mark":
      return overrides.learnMark(shared.target, shared.since);
    case "claim":
      await ledger.spendClaim(shared.fingerprint, shared.device);
      return;
    case "reentry":
      if (shared.since > ledger.reentrySince(shared.device))
        await ledger.markReentry(shared.device, shared.since);
      return;
    default:
      return shared satisfies never;
  }
}
