/** Finding and running OPA's compiler: `$OPA`, then `opa` on PATH, then the pinned Go tool module. */
import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";

/** A command line that runs OPA: the program and its first arguments. */
export type Opa = readonly [program: string, ...args: string[]];

function answers(program: string, args: readonly string[]): boolean {
  return spawnSync(program, [...args, "version"], { stdio: "ignore" }).status === 0;
}

/** OPA's command line, or undefined where there is none. `pinned: false` leaves out the slow Go build. */
export function findOpa(root: string, pinned = true): Opa | undefined {
  const named = process.env.OPA;
  if (named !== undefined && named !== "") return [named];
  if (answers("opa", [])) return ["opa"];
  const tool = ["tool", `-modfile=${join(root, "tools", "go.mod")}`, "opa"];
  if (pinned && answers("go", tool)) return ["go", ...tool];
  return undefined;
}

/** Runs OPA and returns what it printed; throws with its error text. */
export function runOpa(opa: Opa, args: readonly string[], cwd: string): string {
  const [program, ...first] = opa;
  return execFileSync(program, [...first, ...args], { cwd, encoding: "utf8", maxBuffer: 1 << 28 });
}

/** OPA's version, as in `1.22.2`. */
export function opaVersion(opa: Opa, cwd: string): string {
  return /Version:\s*(\S+)/.exec(runOpa(opa, ["version"], cwd))?.[1] ?? "unknown";
}
