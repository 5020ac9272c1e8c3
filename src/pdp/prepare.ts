/** Prepares the joined facts of a subject for one entrypoint: projected, as JSON, with their cuts. */
import type { Drift } from "../cache/guards.ts";
import type { DenyReason } from "../decision/reasons.ts";
import { type CutList, cutsOf, type Instant, type Interval, instantsOf, sortedMarks } from "./cuts.ts";
import type { Joined } from "./join.ts";
import { FactDefect } from "./projection.ts";
import type { Entrypoint, PolicySnapshot } from "./snapshot.ts";

/** The part of an input that does not depend on the question, ready to be completed. */
export interface Prepared {
  /** JSON members `"credential":...,"device":...` without braces. */
  readonly members: string;
  /** Moments at which the answer can change, sorted. */
  readonly marks: readonly number[];
  readonly instants: readonly Instant[];
  readonly lag: readonly number[];
  readonly age: readonly number[];
  readonly skew: readonly number[];
  /** The intervals that the last answer fell into: most often the next one does too. */
  readonly last: { valid?: Interval; drift?: Drift };
}

/** Facts that cannot be judged: the reason, and what is wrong for the log and for `Explain`. */
export interface Unfit {
  readonly reason: DenyReason;
  readonly detail: string;
}

/** Projects joined facts and lists their cuts; says why when a mandatory fact is missing or mistyped. */
export function prepare(snapshot: PolicySnapshot, entrypoint: Entrypoint, joined: Joined): Prepared | Unfit {
  if (joined.invalid !== undefined) return { reason: "facts_invalid", detail: joined.invalid };
  const facts: Record<string, unknown> = {};
  const members: string[] = [];
  for (const [name, project] of snapshot.inputs[entrypoint].parts) {
    if (name === "request") continue;
    const given = Object.hasOwn(joined.parts, name) ? joined.parts[name] : undefined;
    if (given === undefined) return { reason: "facts_invalid", detail: `${name}: missing` };
    try {
      facts[name] = project(given);
    } catch (thrown) {
      if (!(thrown instanceof FactDefect)) throw thrown;
      return { reason: "facts_invalid", detail: `${thrown.path}: ${thrown.problem}` };
    }
    members.push(`${JSON.stringify(name)}:${JSON.stringify(facts[name])}`);
  }
  const cuts: CutList = cutsOf(snapshot.cuts, joined.model, entrypoint);
  const instants = instantsOf(cuts.time, facts);
  return {
    members: members.join(","),
    instants,
    marks: sortedMarks(instants.map((instant) => instant.at)),
    lag: sortedMarks(cuts.lag),
    age: sortedMarks(cuts.age),
    skew: sortedMarks(cuts.skew),
    last: {},
  };
}

/** Whether preparation failed. */
export function isUnfit(prepared: Prepared | Unfit): prepared is Unfit {
  return "reason" in prepared;
}
