/** What one attached stream may use. */

/** What one attached stream may use. */
export interface AttachLimits {
  readonly waiting_batches: number;
  readonly sessions: number;
  /** Changes that may wait for their acknowledgement; beyond it the stream ends, and its lease runs out. */
  readonly waiting_changes: number;
  readonly client_chars: number;
}

/** The limits where nothing else is configured. */
export const defaultAttachLimits: AttachLimits = {
  waiting_batches: 64,
  sessions: 100_000,
  waiting_changes: 10_000,
  client_chars: 128,
};
