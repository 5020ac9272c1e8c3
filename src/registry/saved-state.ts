/** The state of a store as its file holds it, JSON beside the rows. */
import type { SourceState } from "./record-store.ts";

/** Layout of the file: earlier ones are taken over when it is opened, a later one is refused. */
export const layout = 4;

/** What is saved. */
export interface SavedState {
  readonly format: number;
  readonly revision: number;
  readonly sources: Readonly<Record<string, SourceState>>;
  /** Staged changes are in force and not all folded into their places yet. */
  readonly folding: boolean;
  /** How the SPIFFE ids of the index were made; absent: the index is not complete. */
  readonly naming?: string;
}

/** Reads it. Throws where a later release has written it. */
export function readState(bytes: Buffer): SavedState {
  const saved = JSON.parse(bytes.toString()) as SavedState;
  if (saved.format <= layout) return saved;
  throw new Error(
    `it has layout ${saved.format}, and this release reads up to ${layout}; use the release that wrote it, or another folder`,
  );
}

/** Its bytes. */
export function writeState(state: Omit<SavedState, "format">): Buffer {
  return Buffer.from(JSON.stringify({ format: layout, ...state } satisfies SavedState));
}
