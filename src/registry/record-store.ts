/** Where records live: what the LMDB and the memory store both do. */
import type { RecordKey, RecordKind } from "../decision/facts.ts";
import type { AnyRecord } from "./stored-record.ts";

/** A record as it is stored, with the source that owns it. */
export type StoredValue =
  | {
      readonly revision: number;
      readonly source: string;
      readonly record: AnyRecord;
      readonly invalid?: undefined;
    }
  | {
      readonly revision: number;
      readonly source: string;
      readonly record?: undefined;
      readonly invalid: string;
    };

/** What is remembered of a source across restarts. */
export interface SourceState {
  /** Unix seconds through which it was complete when last heard. */
  readonly watermark: number;
  /** Whether its last snapshot ended with a trailer; from then on one without is refused. */
  readonly trailer: boolean;
  /** Records in force by kind and state, `invalid` included. */
  readonly counts: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** The one value that flips: everything about the store but its records. */
export interface StoreState {
  readonly revision: number;
  readonly sources: Readonly<Record<string, SourceState>>;
}

/** Staged changes: a value, or `null` for a deletion. */
export type Changes = ReadonlyMap<RecordKey, StoredValue | null>;

/**
 * Records with one writer. Changes are staged out of sight in batches, then {@link flip} puts all of
 * them in force at one instant; after a crash the store holds the last state that was flipped.
 */
export interface RecordStore extends AsyncDisposable {
  /** State in force. */
  readonly state: StoreState;
  /** A record in force. */
  get(key: RecordKey): StoredValue | undefined;
  /** Keys in force, of one kind or all. Must not be iterated across a flip. */
  keys(kind?: RecordKind): Iterable<RecordKey>;
  /** A staged change; `undefined`: none. */
  staged(key: RecordKey): StoredValue | null | undefined;
  stage(changes: Changes): Promise<void>;
  /** Forgets what is staged. */
  discard(): Promise<void>;
  /** What is staged, and `state` with it, is in force when this returns, for readers and on disk. */
  flip(state: StoreState): void;
  /** Tidies up after a flip; nothing may be staged before it ends. */
  fold(): Promise<void>;
  /** Replaces the state while nothing is staged. */
  saveState(state: StoreState): Promise<void>;
}

/** The state of an empty store. */
export const emptyState: StoreState = { revision: 0, sources: {} };
