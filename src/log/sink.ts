/** Where lines go. Calls never overlap: the next write starts when the last one has ended. */
export interface Sink {
  /** Writes whole lines, each with its line end. Rejects only if none of them counts as written. */
  write(lines: string): Promise<void>;
  /** Ends the sink; nothing is written afterwards. */
  close(): Promise<void>;
}
