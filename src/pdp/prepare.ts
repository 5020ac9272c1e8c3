/** Prepares the joined facts of a subject for one entrypoint: projected, as JSON, with their cuts. */
import type { Drift } from "../cache/guards.ts";
import type { DenyReason } from "../decision/reasons.ts";
import { SharedInput } from "../engine/shared-input.ts";
import {
  type CutList,
  cutsOf,
  dailyInstants,
  type Instant,
  type Interval,
  instantsOf,
  sortedMarks,
} from "./cuts.ts";
import type { Joined } from "./join.ts";
import { FactDefect } from "./projection.ts";
import type { Entrypoint, PolicySnapshot } from "./snapshot.ts";

/** The part of an input that does not depend on the question, ready to be completed. */
export interface Prepared {
  /** The members `credential`, `device`... of the input. */
  readonly shared: SharedInput;
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

const noUpdates: Unfit = {
  reason: "ota_not_supported",
  detail: "the bundle in force has no entrypoint for updates; build it with `sallyport/ota`",
};

const noReaders: Unfit = {
  reason: "operation_unknown",
  detail: "the bundle in force has no entrypoint for back-ends; build it with `sallyport/consume`",
};

/**
 * Projects joined facts and lists their cuts; says why when a mandatory fact is missing or mistyped. Daily cuts
 * are those around `now`: what is prepared with any is not kept for another day.
 */
export function prepare(
  snapshot: PolicySnapshot,
  entrypoint: Entrypoint,
  joined: Joined,
  now = 0,
): Prepared | Unfit {
  const inputs = snapshot.inputs[entrypoint];
  if (inputs === undefined) return entrypoint === "ota" ? noUpdates : noReaders;
  if (joined.invalid !== undefined) return { reason: "facts_invalid", detail: joined.invalid };
  const facts: Record<string, unknown> = {};
  const members = new Map<string, string>();
  for (const [name, project] of inputs.parts) {
    if (name === "request") continue;
    const given = Object.hasOwn(joined.parts, name) ? joined.parts[name] : undefined;
    if (given === undefined) return { reason: "facts_invalid", detail: `${name}: missing` };
    try {
      facts[name] = project(given);
    } catch (thrown) {
      if (!(thrown instanceof FactDefect)) throw thrown;
      return { reason: "facts_invalid", detail: `${thrown.path}: ${thrown.problem}` };
    }
    members.set(name, JSON.stringify(facts[name]));
  }
  const cuts: CutList = cutsOf(snapshot.cuts, joined.model, entrypoint);
  const dated = instantsOf(cuts.time, facts);
  const instants =
    cuts.daily.length === 0
      ? dated
      : [...dated, ...dailyInstants(cuts.daily, facts, now)].sort((a, b) => a.at - b.at);
  return {
    shared: new SharedInput(members),
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
