/** What a lint is given and what it returns. */
import type { Finding } from "../finding.ts";
import type { FactsTree } from "./facts-tree.ts";
import type { Scope } from "./names.ts";
import type { Step } from "./tree.ts";

/** One parsed file with the meaning of its names. */
export interface LintFile {
  readonly path: string;
  readonly text: string;
  readonly scope: Scope;
}

/** A whole project, read. */
export interface LintProject {
  readonly files: readonly LintFile[];
  readonly facts: FactsTree;
  /** Rules that only name a part of the input. */
  readonly aliases: ReadonlyMap<string, readonly Step[]>;
  /** Full names, as in `sallyport/publish`. */
  readonly entrypoints: readonly string[];
  /** What `sallyport/cuts` returns; undefined where it cannot be evaluated. */
  readonly cuts: unknown;
  /** Data files, parsed, by path. */
  readonly data: readonly DataFile[];
}

/** One data file with places for its values. */
export interface DataFile {
  readonly path: string;
  readonly value: unknown;
  readonly at: (path: readonly (string | number)[]) => { readonly row: number; readonly col: number };
}

/** Looks at a project; findings in any order. */
export type Lint = (project: LintProject) => Finding[];

/** Whether a file is the one place that reads the clock. */
export function isTimeLibrary({ scope }: LintFile): boolean {
  return /(?:^|\.)lib\.time$/.test(scope.package);
}
