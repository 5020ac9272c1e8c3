/** How many threads V8 takes for itself in a process of the service. */
import { availableParallelism } from "node:os";
import { setFlagsFromString } from "node:v8";

/**
 * One thread marks beside the one that answers, and one compiles Wasm. V8 would take four of each, which on few cores stand
 * in the way of the answers that they were meant to spare. Each flag is a threshold that V8 reads whenever it decides, so
 * that it may be set while it runs.
 *
 * Collecting sooner (`--heap-growing-percent`) would shorten the longest pause, and is not worth what it costs: at 10 and at
 * 30 a cached unary call came to 0.79 and 0.82 of a bare echo, without it to 0.94.
 */
const flags = ["--concurrent-marking-max-worker-num=1", "--wasm-num-compilation-tasks=1"];

/** Sets V8 for a process of the service. Whoever embeds the service sets it, or not, for the whole of theirs. */
export function tuneV8(): void {
  for (const flag of flags) setFlagsFromString(flag);
}

/** Most threads that V8 takes for itself in each process, as Node starts it. */
const mostHelpers = 4;

/**
 * Arguments of Node for each of `workers` processes: as many threads for V8 as there are processors left beside those that
 * answer, and one at least. In a pause all of them are waited for, and on two processors four would wait for each other.
 */
export function argumentsOfWorkers(workers: number, processors: number = availableParallelism()): string[] {
  const helpers = Math.min(mostHelpers, Math.max(1, Math.floor(processors / workers) - 1));
  return [...process.execArgv, `--v8-pool-size=${helpers}`];
}
