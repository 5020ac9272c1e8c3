/** What the registry says of itself, for status pages and metrics. */
import type { SourceStatus } from "./source-status.ts";
import type { Freshness } from "./stored-record.ts";
import type { Counts } from "./tally.ts";

/** The whole registry at a glance. */
export interface RegistryStatus extends Freshness {
  readonly revision: number;
  /** Records in force by kind and state. */
  readonly counts: Counts;
  readonly sources: readonly SourceStatus[];
}
