/** Answers: a verdict with the intervals in which it holds, and the decisions rendered from it. */
import { randomBytes } from "node:crypto";
import { type Drift, type Guarded, type Readings, within } from "../cache/guards.ts";
import type { Decision } from "../decision/decision.ts";
import type { RecordKey } from "../decision/facts.ts";
import type { Repeated, Tally } from "../log/compose-event.ts";
import { type Interval, intervalAround } from "./cuts.ts";
import type { Prepared } from "./prepare.ts";
import { renderObligations, type Verdict } from "./result.ts";

/** A cached verdict. It counts its own repeats: a counter elsewhere would be one more look into memory. */
export interface Answer extends Guarded, Repeated {
  readonly verdict: Verdict;
}

const never = Number.POSITIVE_INFINITY;
const anyDrift: Drift = {
  lagFrom: -never,
  lagUntil: never,
  ageFrom: -never,
  ageUntil: never,
  skewFrom: -never,
  skewUntil: never,
};

// Few intervals are shared by all answers: the hot path then finds them where it found them last.
const drifts: Drift[] = [];
const maxDrifts = 64;

// INVARIANT: the marks of one `Prepared` part each axis into intervals, so that the one a reading lies in is the one.
function driftAround(prepared: Prepared, readings: Readings): Drift {
  const { drift } = prepared.last;
  if (drift !== undefined && within(drift, readings)) return drift;
  return (prepared.last.drift = sharedDrift(prepared, readings));
}

function validAround(prepared: Prepared, now: number): Interval {
  const { valid } = prepared.last;
  if (valid !== undefined && now >= valid.from && now < valid.until) return valid;
  return (prepared.last.valid = intervalAround(prepared.marks, now));
}

function sharedDrift(prepared: Prepared, readings: Readings): Drift {
  const lag = intervalAround(prepared.lag, readings.lag);
  const age = intervalAround(prepared.age, readings.age);
  const skew = intervalAround(prepared.skew, readings.skew);
  const known = drifts.find(
    (drift) =>
      drift.lagFrom === lag.from &&
      drift.lagUntil === lag.until &&
      drift.ageFrom === age.from &&
      drift.ageUntil === age.until &&
      drift.skewFrom === skew.from &&
      drift.skewUntil === skew.until,
  );
  if (known !== undefined) return known;
  const drift = {
    lagFrom: lag.from,
    lagUntil: lag.until,
    ageFrom: age.from,
    ageUntil: age.until,
    skewFrom: skew.from,
    skewUntil: skew.until,
  };
  if (drifts.length >= maxDrifts) drifts.shift();
  drifts.push(drift);
  return drift;
}

/** The answer that `verdict` is around these readings; without `prepared` it holds until something changes. */
export function answerAround(
  verdict: Verdict,
  prepared: Prepared | undefined,
  readings: Readings,
  code: number,
  tally?: Tally,
): Answer {
  const { allow } = verdict;
  if (prepared === undefined) {
    return { allow, verdict, tally, count: 0, code, validFrom: 0, validUntil: undefined, drift: anyDrift };
  }
  const valid = validAround(prepared, readings.now);
  return {
    allow,
    verdict,
    tally,
    count: 0,
    code,
    // Small integers and nothing else: boxed numbers would cost the hot path a look elsewhere.
    validFrom: valid.from === -never ? 0 : valid.from,
    validUntil: valid.until === never ? undefined : valid.until,
    drift: driftAround(prepared, readings),
  };
}

const idPrefix = `${randomBytes(9).toString("base64url")}-`;
// The last two digits come from a table: counting is a good part of what a cached answer costs.
const idTails: readonly string[] = Array.from({ length: 36 * 36 }, (_, i) => i.toString(36).padStart(2, "0"));
let idHead = idPrefix;
let idHeads = 0;
let idTail = 0;

/** A decision id: unique among all processes, growing within one. */
export function nextDecisionId(): string {
  if (idTail === idTails.length) {
    idTail = 0;
    idHeads += 1;
    idHead = idPrefix + idHeads.toString(36);
  }
  const id = idHead + (idTails[idTail] as string);
  idTail += 1;
  return id;
}

/** When the answer must be asked for again: at its next cut, or when its facts grow too old unheard. */
function validUntil(answer: Answer, readings: Readings): number | undefined {
  const { validUntil: until, drift } = answer;
  if (drift.lagUntil === never) return until;
  const stale = readings.now - readings.lag + drift.lagUntil;
  return until !== undefined && until < stale ? until : stale;
}

/** Renders the decision of an answer at these readings. */
export function toDecision(
  answer: Answer,
  readings: Readings,
  bundleRevision: string,
  registryRevision: number,
  restsOn: readonly RecordKey[],
  cached: boolean,
): Decision {
  const { verdict } = answer;
  return {
    allow: verdict.allow,
    reason: verdict.reason,
    findings: verdict.findings,
    retry: verdict.retry,
    obligations: verdict.relative === undefined ? verdict.fixed : renderObligations(verdict, readings.now),
    valid_until: validUntil(answer, readings),
    bundle_revision: bundleRevision,
    registry_revision: registryRevision,
    registry_age_s: readings.lag > 0 ? readings.lag : 0,
    decision_id: nextDecisionId(),
    cached,
    rests_on: restsOn,
  };
}
