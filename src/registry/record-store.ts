/** Where records live: what the LMDB and the memory store both do. */
import type { RecordKey, RecordKind } from "../decision/facts.ts";
import type { IndexTerm } from "./index-terms.ts";
import type { AnyRecord } from "./stored-record.ts";

/** A record as it is stored, with the source that owns it. */
export type StoredValue =
  | {
      readonly revision: number;
      readonly source: string;
      /** Version that its source gave it; absent: the source has none. */
      readonly version?: number;
      readonly record: AnyRecord;
      readonly invalid?: undefined;
    }
  | {
      readonly revision: number;
      readonly source: string;
      readonly version?: number;
      readonly record?: undefined;
      readonly invalid: string;
    };

/** What is left of a deleted record, so that an older write that comes late does not bring it back (SYN-10). */
export interface Tombstone {
  readonly gone: true;
  readonly source: string;
  readonly version: number;
}

/** The record, where a value is one. */
export function recordIn(value: StoredValue | Tombstone | null | undefined): StoredValue | undefined {
  return value === undefined || value === null || "gone" in value ? undefined : value;
}

/** What is left of one that was deleted, where a value is that. */
export function tombstoneIn(value: StoredValue | Tombstone | undefined): Tombstone | undefined {
  return value !== undefined && "gone" in value ? value : undefined;
}

/** What is remembered of a source across restarts. */
export interface SourceState {
  /** Unix seconds through which it was complete when last heard. */
  readonly watermark: number;
  /** Whether its last snapshot ended with a trailer; from then on one without is refused. */
  readonly trailer: boolean;
  /** Records in force by kind and state, `invalid` included. */
  readonly counts: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** How far its feed was applied, where it has positions: the resume token. */
  readonly position?: FeedPosition;
  /** No write of a version up to this one is applied any more: the last snapshot held them all. */
  readonly floor?: number;
}

/** A place in the order of one source's changes. Revisions of different epochs cannot be compared. */
export interface FeedPosition {
  readonly epoch: string;
  readonly revision: number;
}

/** The one value that flips: everything about the store but its records. */
export interface StoreState {
  readonly revision: number;
  readonly sources: Readonly<Record<string, SourceState>>;
}

/** Staged changes: a value, a tombstone, or `null` for a deletion without a trace. */
export type Changes = ReadonlyMap<RecordKey, StoredValue | Tombstone | null>;

/** What is in force of some records; `undefined`: nothing. */
export type Before = ReadonlyMap<RecordKey, StoredValue | Tombstone | undefined>;

/**
 * Records with one writer. Changes are staged out of sight in batches, then {@link flip} puts all of
 * them in force at one instant; after a crash the store holds the last state that was flipped.
 */
export interface RecordStore extends AsyncDisposable {
  /** State in force. */
  readonly state: StoreState;
  /** A record in force. */
  get(key: RecordKey): StoredValue | undefined;
  /** What is left of a deleted record. */
  tombstone(key: RecordKey): Tombstone | undefined;
  /** Either, the record of a device still packed where it is stored so: who only compares it needs not unpack it. */
  held(key: RecordKey): StoredValue | Tombstone | undefined;
  /** Keys in force and of tombstones, of one kind or all. Must not be iterated across a flip. */
  keys(kind?: RecordKind): Iterable<RecordKey>;
  /** Keys of one kind in order behind `after` (an id; `undefined`: from the first), at most `limit`. */
  keysAfter(kind: RecordKind, after: string | undefined, limit: number): readonly RecordKey[];
  /** Devices in force that have `term`, by id in order behind `after`, at most `limit`. */
  deviceIdsBy(term: IndexTerm, after: string | undefined, limit: number): readonly string[];
  /** A staged change; `undefined`: none. */
  staged(key: RecordKey): StoredValue | Tombstone | null | undefined;
  stage(changes: Changes): Promise<void>;
  /** All that was staged is written when it resolves: wait for it before a flip. */
  endStaging(): Promise<void>;
  /** Forgets what is staged. */
  discard(): Promise<void>;
  /** What is staged, and `state` with it, is in force when this returns, for readers and on disk. */
  flip(state: StoreState): void;
  /** Tidies up after a flip; nothing may be staged before it ends. */
  fold(): Promise<void>;
  /**
   * Puts changes and `state` in force in one transaction while nothing is staged: on disk when it resolves. A reader
   * may see the changes a moment before the state. `before`: what is in force of these records, where the caller has
   * read it.
   */
  apply(changes: Changes, state: StoreState, before?: Before): Promise<void>;
  /** Frees what reader processes that were killed hold on to. */
  releaseReaders(): void;
  /** Replaces the state while nothing is staged. */
  saveState(state: StoreState): Promise<void>;
}

/** The state of an empty store. */
export const emptyState: StoreState = { revision: 0, sources: {} };
