/** A decider with a deadline, whose promise never to throw or reject is kept even where it is broken. */
import type { Decider, Decision } from "../decision/decision.ts";
import { denial } from "../decision/denial.ts";
import type { Query } from "../decision/query.ts";

/** Parts of a bounded decider. */
export interface Bounds {
  /** Longest wait for an asynchronous answer, in milliseconds; then the answer is the denial `internal_error`. */
  readonly deadlineMs: number;
  /** Makes the id of a denial of its own. */
  readonly nextId: () => string;
  /** Told why there was no answer. */
  readonly onFault?: (fault: unknown, query: Query) => void;
}

/** Bounds `decider`. A synchronous answer stays synchronous; an answer after the deadline is ignored. */
export function boundedDecider(decider: Decider, bounds: Bounds): Decider {
  const deny = (fault: unknown, query: Query): Decision => {
    bounds.onFault?.(fault, query);
    return denial("internal_error", { id: bounds.nextId() });
  };
  return {
    decide(query: Query): Decision | Promise<Decision> {
      let answer: Decision | Promise<Decision>;
      try {
        answer = decider.decide(query);
      } catch (thrown) {
        return deny(thrown, query);
      }
      if (!isPromise(answer)) return answer;
      const late = answer;
      return new Promise((resolve) => {
        const timer = setTimeout(
          () => resolve(deny(new Error(`no answer within ${bounds.deadlineMs} ms`), query)),
          bounds.deadlineMs,
        );
        late.then(
          (decision) => {
            clearTimeout(timer);
            resolve(decision);
          },
          (thrown: unknown) => {
            clearTimeout(timer);
            resolve(deny(thrown, query));
          },
        );
      });
    },
  };
}

/** Whether an answer is yet to come. */
export function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof (value as { then?: unknown }).then === "function";
}
