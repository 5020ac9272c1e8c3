/** Answers: a verdict with the intervals in which it holds, and the decisions rendered from it. */
import { randomBytes } from "node:crypto";
import type { Guards } from "../cache/decision-cache.ts";
import type { Decision } from "../decision/decision.ts";
import type { RecordKey } from "../decision/facts.ts";
import type { Tally } from "../log/compose-event.ts";
import { intervalAround } from "./cuts.ts";
import type { Prepared } from "./prepare.ts";
import { renderObligations, type Verdict } from "./result.ts";

/** A cached verdict. */
export interface Answer extends Guards {
  readonly verdict: Verdict;
  readonly tally: Tally | undefined;
}

/** Readings at the moment of asking, in seconds. */
export interface Readings {
  readonly now: number;
  readonly lag: number;
  readonly age: number;
  readonly skew: number;
}

const always = { from: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY };

/** The answer that `verdict` is around these readings; without `prepared` it holds until something changes. */
export function answerAround(
  verdict: Verdict,
  prepared: Prepared | undefined,
  readings: Readings,
  tally: Tally | undefined,
): Answer {
  const valid = prepared === undefined ? always : intervalAround(prepared.marks, readings.now);
  const lag = prepared === undefined ? always : intervalAround(prepared.lag, readings.lag);
  const age = prepared === undefined ? always : intervalAround(prepared.age, readings.age);
  const skew = prepared === undefined ? always : intervalAround(prepared.skew, readings.skew);
  return {
    allow: verdict.allow,
    verdict,
    tally,
    validFrom: valid.from,
    validUntil: valid.until,
    lagFrom: lag.from,
    lagUntil: lag.until,
    ageFrom: age.from,
    ageUntil: age.until,
    skewFrom: skew.from,
    skewUntil: skew.until,
  };
}

/** What a decision says besides its verdict. */
export interface Provenance {
  readonly bundleRevision: string;
  readonly registryRevision: number;
  readonly restsOn: readonly RecordKey[];
}

const idPrefix = `${randomBytes(9).toString("base64url")}-`;
let idCount = 0;

/** A decision id: unique among all processes, growing within one. */
export function nextDecisionId(): string {
  idCount += 1;
  return idPrefix + idCount.toString(36);
}

/** When the answer must be asked for again: at its next cut, or when its facts grow too old unheard. */
function validUntil(answer: Answer, readings: Readings): number | undefined {
  const stale = readings.now + (answer.lagUntil - readings.lag);
  const until = answer.validUntil < stale ? answer.validUntil : stale;
  return until === Number.POSITIVE_INFINITY ? undefined : until;
}

/** Renders the decision of an answer at these readings. */
export function toDecision(
  answer: Answer,
  readings: Readings,
  provenance: Provenance,
  cached: boolean,
): Decision {
  const { verdict } = answer;
  return {
    allow: verdict.allow,
    reason: verdict.reason,
    findings: verdict.findings,
    retry: verdict.retry,
    obligations: renderObligations(verdict, readings.now),
    valid_until: validUntil(answer, readings),
    bundle_revision: provenance.bundleRevision,
    registry_revision: provenance.registryRevision,
    registry_age_s: readings.lag > 0 ? readings.lag : 0,
    decision_id: nextDecisionId(),
    cached,
    rests_on: provenance.restsOn,
  };
}
