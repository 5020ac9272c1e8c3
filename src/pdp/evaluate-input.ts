/** One evaluation: a complete input, one policy, a verdict whatever happens. */

import type { Prepared } from "./prepare.ts";
import { FactDefect } from "./projection.ts";
import { hostVerdict, readVerdict, type Verdict } from "./result.ts";
import type { Entrypoint, PolicySnapshot } from "./snapshot.ts";

/** The host's own part of an input. */
export interface Moment {
  readonly now: number;
  readonly synced: boolean;
  readonly watermark: number;
}

/** What an evaluation brought. */
export interface Evaluated {
  readonly verdict: Verdict;
  readonly inputJson: string | undefined;
  readonly detail: string | undefined;
  /** A faulted evaluation is not remembered. */
  readonly cacheable: boolean;
  /** Time spent in the policy, microseconds. */
  readonly evaluationUs: number;
  readonly fault?: unknown;
  /** The raw result of the policy. */
  readonly result?: unknown;
}

const faulted: Verdict = hostVerdict("internal_error", { alert: "policy_fault" });
const undefinedResult: Verdict = hostVerdict("internal_error", { alert: "policy_result_invalid" });
const malformedRequest: Verdict = hostVerdict("bad_request");

// A policy result that the engine returned once more is the same frozen object: checked once.
const verdicts = new WeakMap<object, Verdict>();

function checked(result: unknown): Verdict | undefined {
  if (typeof result !== "object" || result === null) return undefined;
  const known = verdicts.get(result);
  if (known !== undefined) return known;
  const verdict = readVerdict(result);
  if (verdict !== undefined && Object.isFrozen(result)) verdicts.set(result, verdict);
  return verdict;
}

const paths: Readonly<Record<Entrypoint, string>> = {
  connect: "sallyport/connect",
  publish: "sallyport/publish",
  subscribe: "sallyport/subscribe",
  command: "sallyport/command",
  ota: "sallyport/ota",
  grants: "sallyport/grants",
  consume: "sallyport/consume",
};

/** The question's own part of the input as JSON text. */
function ownText(request: unknown, moment: Moment): string {
  return `{"now":${moment.now},"registry":{"synced":${moment.synced},"watermark":${moment.watermark}},"request":${JSON.stringify(request)}}`;
}

/** Evaluates one entrypoint. Total: a fault is the verdict `internal_error`. */
export function evaluateInput(
  snapshot: PolicySnapshot,
  entrypoint: Entrypoint,
  prepared: Prepared,
  request: Record<string, unknown>,
  moment: Moment,
  monotonicMs: () => number,
): Evaluated {
  let inputJson: string | undefined;
  let evaluationUs = 0;
  try {
    const project = snapshot.inputs[entrypoint]?.parts.get("request");
    const projected = project === undefined ? {} : project(request);
    const own = ownText(projected, moment);
    inputJson = prepared.shared.complete(own);
    const startedMs = monotonicMs();
    const result = snapshot.policy.evaluate(paths[entrypoint], own, prepared.shared);
    evaluationUs = (monotonicMs() - startedMs) * 1000;
    const verdict = checked(result);
    if (verdict === undefined) {
      return {
        verdict: undefinedResult,
        inputJson,
        detail: "the policy returned no valid result",
        cacheable: false,
        evaluationUs,
        result,
      };
    }
    return { verdict, inputJson, detail: undefined, cacheable: true, evaluationUs, result };
  } catch (thrown) {
    if (thrown instanceof FactDefect) {
      const detail = `${thrown.path}: ${thrown.problem}`;
      return { verdict: malformedRequest, inputJson, detail, cacheable: false, evaluationUs };
    }
    return {
      verdict: faulted,
      inputJson,
      detail: "the policy evaluation failed",
      cacheable: false,
      evaluationUs,
      fault: thrown,
    };
  }
}
