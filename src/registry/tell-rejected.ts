/** What a source hears of its changes that were not taken as they are. */
import type { Delta, DeltaOutcome } from "./delta-batch.ts";
import type { SyncReply } from "./sync.ts";

/** Tells it of each; `revisions` are those of the changes, where they have some. */
export function tellRejected(
  deltas: readonly Delta[],
  outcomes: readonly DeltaOutcome[],
  revisions: readonly number[],
  reply: (reply: SyncReply) => void,
): void {
  for (const [index, outcome] of outcomes.entries()) {
    const delta = deltas[index];
    if (typeof outcome === "string" || delta === undefined) continue;
    const key = (delta.act === "delete" ? delta.key : delta.entry.key) ?? "";
    reply({ type: "nack", revision: revisions[index] ?? delta.version, key, reason: outcome.rejected });
  }
}
