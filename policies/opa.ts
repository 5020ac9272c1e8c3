/** OPA for scripts and tests, synchronously; the workbench finds it. */
import { execFileSync } from "node:child_process";
import { findOpa as find, type Opa } from "../src/workbench/opa.ts";

export type { Opa };

/** OPA's command line, or undefined where there is none. `pinned: false` leaves out the slow Go build. */
export function findOpa(_root: string, pinned = true): Opa | undefined {
  return find(pinned);
}

/** Runs OPA and returns what it printed; throws with its error text. */
export function runOpa(opa: Opa, args: readonly string[], cwd: string): string {
  const [program, ...first] = opa;
  return execFileSync(program, [...first, ...args], { cwd, encoding: "utf8", maxBuffer: 1 << 28 });
}
