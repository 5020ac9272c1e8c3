/** A mutant: an edit of the source that a law must catch. */
export interface Mutant {
  /** What the edit takes away, in words. */
  readonly what: string;
  /** File that is edited. */
  readonly file: string;
  /** Text that stands in it exactly once. */
  readonly find: string;
  readonly replace: string;
}

/** The mutants of one test file. */
export interface Mutants {
  /** Test file that must fail. */
  readonly test: string;
  /** Name of the test that must fail, as `vitest -t` takes it; absent: any of the file. */
  readonly name?: string;
  readonly mutants: readonly Mutant[];
}
