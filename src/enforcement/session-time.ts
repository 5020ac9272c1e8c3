/** When a session must end or be judged again, on the monotonic clock. */
import type { Decision } from "../decision/decision.ts";
import type { Obligations } from "../decision/obligations.ts";
import type { Clock } from "../runtime/clock.ts";

/** Never less than a second: a session is not judged again at once. */
const leastS = 1;

function duties({ recheck_after_s, session_ttl_s }: Obligations): readonly number[] {
  return [session_ttl_s, recheck_after_s].filter((each) => each !== undefined);
}

/** The end that a connect decision sets: that of its time or of the answer itself. */
export function endOfSession(clock: Clock, { obligations, valid_until }: Decision): number {
  const known = valid_until === undefined ? [] : [valid_until - clock.now()];
  const seconds = Math.min(...duties(obligations), ...known, Number.MAX_SAFE_INTEGER / 1e6);
  return clock.monotonicMs() + Math.max(leastS, seconds) * 1000;
}

/** The end of a session after an answer within it: an earlier one, never a later. */
export function endAfter(clock: Clock, endsAtMs: number, { obligations }: Decision): number {
  const ends = duties(obligations).map((each) => clock.monotonicMs() + Math.max(leastS, each) * 1000);
  return Math.min(endsAtMs, ...ends);
}
