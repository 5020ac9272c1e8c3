/**
 * The sync contract: what every source of records says, and what it is told (FACTS.md, "Registry feed").
 *
 * A source has an order of changes, counted by `revision` within an `epoch`; a new epoch says that earlier revisions
 * mean nothing any more. It begins with what we hold (the resume token): where it can go on from there it sends
 * deltas, else a snapshot. Bookmarks say that everything up to a revision was sent, as of a time.
 */

import type { BucketDigest } from "./bucket-digest.ts";
import type { Validated } from "./record-validator.ts";
import type { Twice } from "./twice-named.ts";

/** What a source says. Revisions grow; `version` orders the writes of one record and defaults to the revision. */
export type SyncEvent =
  | { readonly type: "begin_snapshot"; readonly revision: number }
  | {
      readonly type: "upsert";
      readonly kind: string;
      /** The key that the record must have, where the source says it. */
      readonly key?: string;
      /** The record, JSON; or, with `value`, the text that a checksum counts. */
      readonly record: string;
      /** The record, where somebody has parsed it already. It is completed in place. */
      readonly value?: unknown;
      /** What somebody has read and checked already, of the text or of a part of it. */
      readonly read?: Validated;
      /** A name that stands twice in one object of the text that it was parsed from. */
      readonly twice?: Twice;
      readonly revision: number;
      /** Revision of the change before this one, where the feed is without gaps; 0: it does not say. */
      readonly prev?: number;
      readonly version?: number;
    }
  | {
      readonly type: "delete";
      /** `device:meter-001`, `firmware_policy:acme/meter`... */
      readonly key: string;
      readonly revision: number;
      readonly prev?: number;
      readonly version?: number;
    }
  /** `checksum`: `sha256:` of every record's text of the snapshot, each followed by a newline; empty: not given. */
  | { readonly type: "end_snapshot"; readonly count: number; readonly checksum: string }
  /**
   * `as_of`: unix seconds of the source through which it has sent everything. `digests`: of some buckets, which must
   * then be as it says before the bookmark counts; of feeds whose every record has a version of its own.
   */
  | {
      readonly type: "bookmark";
      readonly revision: number;
      readonly as_of: number;
      readonly digests?: readonly BucketDigest[];
    }
  /** All records of one bucket follow, then `end_bucket`: what they leave out is deleted. */
  | {
      readonly type: "begin_bucket";
      readonly tenant: string;
      readonly bucket: number;
      readonly revision: number;
    }
  | { readonly type: "end_bucket"; readonly count: number };

/** Why a source must begin again: at `from`, where it can, else with a snapshot. */
export type ResyncReason = "snapshot_needed" | "gap" | "backwards" | "refused" | "expired";

/** What a source is told. */
export type SyncReply =
  /** All up to `revision` is on disk and in force. */
  | { readonly type: "ack"; readonly revision: number }
  /** One record was not taken as it is; the rest goes on. */
  | { readonly type: "nack"; readonly revision: number; readonly key: string; readonly reason: string }
  /** What is here differs from what the source says it has: send this bucket again. */
  | { readonly type: "refetch"; readonly tenant: string; readonly bucket: number }
  | {
      readonly type: "resync";
      readonly reason: ResyncReason;
      readonly from: number;
      readonly detail: string;
    };

/** What happened on a feed since the start, for metrics. */
export interface SyncCounters {
  applied: number;
  duplicates_ignored: number;
  rejected: number;
  snapshots: number;
  gaps: number;
  resyncs: number;
  clock_backwards: number;
  /** Buckets that differed from what the source says. */
  divergences: number;
}
