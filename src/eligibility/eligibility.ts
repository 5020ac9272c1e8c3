/** Answers in the words of an OTA service: install, rollback, hold or none. */
import type { Decision } from "../decision/decision.ts";
import type { Obligations } from "../decision/obligations.ts";
import type { Reason, RetryClass } from "../decision/reasons.ts";

/** What an OTA service does with a device. */
export type EligibilityAnswer = "install" | "rollback" | "hold" | "none";

/** All answers, the most welcome first. */
export const eligibilityAnswers: readonly EligibilityAnswer[] = ["install", "rollback", "hold", "none"];

/** The answer for one device and one release. */
export interface Eligibility {
  readonly device_id: string;
  /** Empty: no release is on offer. */
  readonly release: string;
  readonly answer: EligibilityAnswer;
  readonly reason: Reason;
  readonly retry: RetryClass | undefined;
  /** Earliest end of a hold, unix seconds. */
  readonly not_before: number | undefined;
  readonly valid_until: number | undefined;
  readonly obligations: Obligations;
}

/** What of a decision an answer is made of. */
export type Ruling = Pick<Decision, "allow" | "obligations" | "reason" | "retry" | "valid_until">;

function answerOf({ allow, reason, retry }: Ruling): EligibilityAnswer {
  if (allow) return reason === "ota_eligible_rollback" ? "rollback" : "install";
  return retry === "backoff" ? "hold" : "none";
}

/** Words a ruling given at `now`. */
export function toEligibility(device_id: string, release: string, ruling: Ruling, now: number): Eligibility {
  const { obligations, reason, retry, valid_until } = ruling;
  const answer = answerOf(ruling);
  const not_before =
    answer === "hold" && obligations.retry_after_s !== undefined
      ? now + obligations.retry_after_s
      : undefined;
  return { device_id, release, answer, reason, retry, not_before, valid_until, obligations };
}
