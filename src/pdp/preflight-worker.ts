/** The thread in which a candidate is tried: it may loop, trap or grow there without harm. */
import { setPriority } from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import { compileModule } from "../engine/module.ts";
import { systemClock } from "../runtime/clock.ts";
import { Fault } from "../runtime/fault.ts";
import type { Verdict } from "./preflight.ts";
import { type Trial, tryPolicy } from "./try-policy.ts";

function verdictOf(trial: Trial): Verdict {
  try {
    // Of this thread alone: on Linux the calling one is meant.
    if (process.platform === "linux") setPriority(trial.niceness);
    const module = compileModule(trial.wasm);
    return { ...tryPolicy(trial, module, systemClock.monotonicMs), module };
  } catch (thrown) {
    const { code, message } = Fault.from(thrown, "bundle_invalid", "the policy cannot be tried");
    return { fault: { code, message } };
  }
}

parentPort?.postMessage(verdictOf(workerData as Trial));
