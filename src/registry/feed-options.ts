/** What a feed needs of its registry. */

import type { RecordKey, RecordKind } from "../decision/facts.ts";
import type { Origin } from "../decision/report.ts";
import type { Clock } from "../runtime/clock.ts";
import type { LostTrust } from "./lost-trust.ts";
import type { RecordStore, StoredValue } from "./record-store.ts";
import type { SourceAge } from "./source-status.ts";
import type { AnyRecord } from "./stored-record.ts";

/** What a feed needs of its registry. */
export interface FeedOptions {
  readonly name: string;
  /** Kinds of records that it may write; absent: all. */
  readonly kinds?: readonly RecordKind[] | undefined;
  /** Tenants whose records it may write; `*`: all, and records that are no tenant's. */
  readonly tenants: readonly string[];
  /** As whose word its records count. */
  readonly origin: Origin;
  /** Whether the registry waits for it: it is configured here. */
  readonly awaited: boolean;
  /** The source that claims a record, if any. */
  ownerOf(key: RecordKey, record: () => AnyRecord | undefined): string | undefined;
  /** Collects what must be remembered of devices whose records change or go. */
  lostTrust(): LostTrust;
  /** Somebody has confirmed a loss: the source may try again at once. */
  confirmed(): void;
  readonly clock: Clock;
  readonly store: RecordStore;
  readonly age: SourceAge;
  takeTurn(): Promise<() => void>;
  /** Calls `flip` and announces what changed, in one step. */
  putInForce(
    flip: () => void,
    changed: readonly RecordKey[],
    few: ReadonlyMap<RecordKey, StoredValue | null>,
  ): Promise<void>;
  closed(): void;
}
