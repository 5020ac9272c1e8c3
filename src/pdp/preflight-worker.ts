/** The thread in which a candidate is tried: it may loop, trap or grow there without harm. */
import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "../runtime/clock.ts";
import { Fault } from "../runtime/fault.ts";
import type { Verdict } from "./preflight.ts";
import { type Trial, tryPolicy } from "./try-policy.ts";

function verdictOf(trial: Trial): Verdict {
  try {
    return { report: tryPolicy(trial, systemClock.monotonicMs) };
  } catch (thrown) {
    const { code, message } = Fault.from(thrown, "bundle_invalid", "the policy cannot be tried");
    return { fault: { code, message } };
  }
}

parentPort?.postMessage(verdictOf(workerData as Trial));
