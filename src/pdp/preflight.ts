/** Tries a candidate before it may answer anybody: its own cases, its cost, in a thread with a deadline. */
import { Worker } from "node:worker_threads";
import type { Bundle } from "../bundle/bundle.ts";
import { casesPath } from "../bundle/case-file.ts";
import { Fault, type FaultCode } from "../runtime/fault.ts";
import { ownThread } from "../runtime/own-files.ts";
import type { Trial, TrialReport } from "./try-policy.ts";

/** What a candidate may take. */
export interface Budgets {
  /** Cases that it must bring along at least. */
  readonly minCases: number;
  readonly deadlineMs: number;
  /** Dearest evaluation, but for the dearest hundredth, microseconds. */
  readonly p99Us: number;
  readonly memoryMib: number;
  /** How often each case is asked. Default 3. */
  readonly runs?: number;
  /**
   * How far the thread stands back behind those that answer, as in nice(1). Default 0. It delays a bundle and does not make
   * it look dearer: a case takes less than a turn on the processor, and its fastest run counts.
   */
  readonly niceness?: number;
}

/** A candidate that may go on. */
export interface Tried {
  readonly report: TrialReport;
  /** Its module as the thread has compiled it, code that was run included. */
  readonly module: WebAssembly.Module | undefined;
  /** What its `sallyport/cuts` says. */
  readonly cuts?: unknown;
}

/** What the thread sends back. */
export interface Verdict {
  readonly module?: WebAssembly.Module;
  readonly cuts?: unknown;
  readonly report?: TrialReport;
  readonly fault?: { readonly code: FaultCode; readonly message: string };
}

const pagesPerMib = 16;
const runs = 3;
/** Beside the policy's own memory, what parsing its cases takes. */
const heapMib = 128;

const thread = ownThread("pdp/preflight-worker");

const unfit = (message: string): Fault => new Fault("bundle_unfit", `the bundle ${message}`);

/**
 * Tries a bundle.
 * @throws Fault `bundle_invalid` where it cannot be loaded, `bundle_unfit` where it fails a case, brings too few, or
 * takes more time or memory than it may
 */
export async function preflight(bundle: Bundle, budgets: Budgets): Promise<Tried> {
  const trial: Trial = {
    wasm: bundle.wasm,
    data: bundle.data,
    schemas: bundle.schemas,
    cases: bundle.files.get(casesPath),
    maxPages: budgets.memoryMib * pagesPerMib,
    runs: budgets.runs ?? runs,
    niceness: budgets.niceness ?? 0,
  };
  const { report, module, cuts, fault } = await run(trial, budgets.deadlineMs);
  if (report === undefined)
    throw new Fault(fault?.code ?? "bundle_invalid", fault?.message ?? "it said nothing");
  if (report.cases < budgets.minCases) {
    throw unfit(
      `brings ${report.cases} cases of its own, ${budgets.minCases} are asked for (\`bundle.checks.min_cases\`)`,
    );
  }
  if (report.p99Us > budgets.p99Us) {
    throw unfit(`takes ${Math.round(report.p99Us)} us for its dearest cases, ${budgets.p99Us} are allowed`);
  }
  return { report, module, cuts };
}

function run(trial: Trial, deadlineMs: number): Promise<Verdict> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(thread.file, {
      ...thread.options,
      workerData: trial,
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: heapMib },
    });
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      settle();
      // Ends a loop in Wasm too.
      void worker.terminate();
    };
    const timer = setTimeout(
      () => end(() => reject(unfit(`did not get through its own cases within ${deadlineMs} ms`))),
      deadlineMs,
    );
    worker.on("message", (verdict: Verdict) => end(() => resolve(verdict)));
    worker.on("error", (error) =>
      end(() => reject(Fault.from(error, "bundle_unfit", "the bundle broke the thread that tried it"))),
    );
    worker.on("exit", () => end(() => reject(unfit("ended the thread that tried it"))));
  });
}
