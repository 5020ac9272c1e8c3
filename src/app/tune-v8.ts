/** How V8 collects garbage and compiles in a process that answers: often and a little, on few threads. */
import { availableParallelism } from "node:os";
import { setFlagsFromString } from "node:v8";

/**
 * What is set, and why. Each flag is a threshold that V8 reads whenever it decides, so that they may be set while it runs:
 *
 * - A full collection is due when the heap has grown by a tenth (8 MB at least), not by a half or more. Every string of
 *   a request's HTTP/2 headers is born old in Node and lies outside of the heap: a collection that comes seldom gives
 *   back a hundred thousand of them in one pause.
 * - One thread marks beside the one that answers, and one compiles Wasm. V8 would take four of each, which on few cores
 *   stand in the way of the answers that they were meant to spare.
 */
const sooner = "--heap-growing-percent=10";
const fewer = ["--concurrent-marking-max-worker-num=1", "--wasm-num-compilation-tasks=1"];

/**
 * Sets V8 for a process of the service. One that does not answer devices itself, the primary of workers, collects as
 * V8 does by default: a fleet that is loaded makes its heap grow, and every tenth would be a collection of it all.
 * Whoever embeds the service sets it, or not, for the whole of theirs.
 */
export function tuneV8({ answers }: { readonly answers: boolean }): void {
  for (const flag of answers ? [sooner, ...fewer] : fewer) setFlagsFromString(flag);
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
