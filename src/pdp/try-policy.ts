/** Tries a policy on its own cases: are the answers right, and what do they cost? */
import { type BundleCase, readBundleCases } from "../bundle/case-file.ts";
import { loadPolicy } from "../engine/load-policy.ts";
import { Fault } from "../runtime/fault.ts";
import { readVerdict } from "./result.ts";
import { type CompiledPolicy, createSnapshot, entrypointsOf } from "./snapshot.ts";

/** A candidate as it is sent to the thread that tries it. */
export interface Trial {
  readonly wasm: Uint8Array;
  readonly data: unknown;
  readonly schemas: Readonly<Record<string, unknown>>;
  readonly cases: Uint8Array | undefined;
  /** Most memory that the policy may take, pages of 64 KiB. */
  readonly maxPages: number;
  /** How often each case is asked; its fastest run counts. */
  readonly runs: number;
  /** As in nice(1). */
  readonly niceness: number;
}

/** What came of it. */
export interface TrialReport {
  readonly cases: number;
  /**
   * The dearest of the cases, but for the dearest hundredth, in microseconds; each case counts with its fastest of
   * several runs, so that a busy machine does not condemn a policy.
   */
  readonly p99Us: number;
  readonly memoryBytes: number;
}

/**
 * Loads the policy as the service would and asks every case.
 * @throws Fault `bundle_invalid` where it cannot be loaded, `bundle_unfit` where a case fails or traps
 */
export function tryPolicy(
  trial: Trial,
  module: WebAssembly.Module,
  monotonicMs: () => number,
): { readonly report: TrialReport; readonly cuts: unknown } {
  const cases = readBundleCases(trial.cases);
  using policy = loadPolicy({
    wasm: trial.wasm,
    module,
    data: trial.data,
    required: entrypointsOf(trial.schemas),
    limits: { maxPages: trial.maxPages, verifyInput: false },
  });
  const cuts = start(policy, trial.schemas);
  const costs = cases.map((each) => {
    const inputJson = JSON.stringify(each.input);
    let best = Number.POSITIVE_INFINITY;
    for (let run = 0; run < trial.runs; run++) {
      const startMs = monotonicMs();
      check(each, evaluate(policy, each, inputJson));
      best = Math.min(best, (monotonicMs() - startMs) * 1000);
    }
    return best;
  });
  costs.sort((left, right) => left - right);
  const report = {
    cases: cases.length,
    p99Us: costs[Math.max(0, Math.ceil(costs.length * 0.99) - 1)] ?? 0,
    memoryBytes: policy.memoryBytes,
  };
  return { report, cuts };
}

/** What its cuts are, once they were found in order. */
function start(policy: CompiledPolicy, schemas: Trial["schemas"]): unknown {
  try {
    const cuts = policy.evaluate("sallyport/cuts", "{}");
    createSnapshot({ revision: "", sequence: 0, policy, schemas, activatedAt: 0, cuts });
    return cuts;
  } catch (thrown) {
    const fault = Fault.from(thrown, "policy_trap", "it aborted");
    if (fault.code !== "policy_trap") throw fault;
    throw new Fault("bundle_unfit", `the bundle's cuts cannot be evaluated: ${fault.message}`, {
      cause: thrown,
    });
  }
}

function evaluate(policy: CompiledPolicy, { name, entrypoint }: BundleCase, inputJson: string): unknown {
  try {
    return policy.evaluate(`sallyport/${entrypoint}`, inputJson);
  } catch (thrown) {
    const why = Fault.from(thrown, "policy_trap", "it aborted").message;
    throw new Fault("bundle_unfit", `the bundle's own case \`${name}\` cannot be evaluated: ${why}`, {
      cause: thrown,
    });
  }
}

function check({ name, allow, reason }: BundleCase, result: unknown): void {
  const verdict = readVerdict(result);
  if (verdict?.allow === allow && verdict.reason === reason) return;
  const given = verdict === undefined ? "no valid result" : `\`${verdict.reason}\``;
  throw new Fault(
    "bundle_unfit",
    `the bundle fails its own case \`${name}\`: ${given} where it says \`${reason}\``,
  );
}
