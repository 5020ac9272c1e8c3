/** Test support: OPA, where this machine has it. */
import { spawnSync } from "node:child_process";
import { describe } from "vitest";

const finder = (await import(new URL("../scripts/find-opa.mjs", import.meta.url).href)) as {
  findOpa(): string[] | undefined;
};

let found: { argv: string[] | undefined } | undefined;

/** The command that starts OPA as an argument prefix: `$OPA`, `opa` on the path, or the Go tool module. */
export function findOpa(): string[] | undefined {
  found ??= { argv: finder.findOpa() };
  return found.argv;
}

/** Runs OPA and returns what it printed; throws with its complaint where it fails. */
export function runOpa(args: readonly string[], input = ""): string {
  const argv = findOpa();
  if (argv === undefined) throw new Error("OPA is needed here: set $OPA, or put `opa` on the path");
  const [command, ...prefix] = argv as [string, ...string[]];
  const run = spawnSync(command, [...prefix, ...args], {
    input,
    encoding: "utf8",
    maxBuffer: 256 * 1024 * 1024,
  });
  if (run.status === 0) return run.stdout;
  throw new Error(`opa ${args[0]} failed: ${run.stderr}${run.stdout}`);
}

/** A group of tests that need OPA: skipped as "NOT RUN: opa" where there is none, failing there in CI. */
export function describeWithOpa(name: string, body: () => void): void {
  const wanted = findOpa() !== undefined || Boolean(process.env["CI"]);
  const group = wanted ? describe : describe.skip;
  group(wanted ? name : `${name} (NOT RUN: opa)`, body);
}
