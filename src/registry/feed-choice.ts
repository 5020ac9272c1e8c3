/** What whoever opens a feed chooses. */

import type { RecordKind } from "../decision/facts.ts";
import type { Origin } from "../decision/report.ts";

/** What a feed may write, and whether the registry waits for it. */
export interface FeedChoice {
  /** Kinds of records that it may write, and no other source; default: all, as they come. */
  readonly kinds?: readonly RecordKind[] | undefined;
  /** Called when somebody has confirmed what a refused snapshot would delete. */
  readonly confirm?: () => void;
  /** Tenants whose records it may write, and no other source if it is awaited; default: all. */
  readonly tenants?: readonly string[] | undefined;
  /** As whose word its records count; default: the operator's. Others write reports of their own origin only. */
  readonly origin?: Origin | undefined;
  /** Whether nothing is decided before its first snapshot. Default true; a source that comes and goes is not. */
  readonly awaited?: boolean;
}
