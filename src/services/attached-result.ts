/** One answer on an attached stream, with how long it may be used; what may be used is accounted for before it leaves. */
import type { Decision } from "../decision/decision.ts";
import type { Query } from "../decision/query.ts";
import type * as wire from "../gen/sallyport/v1/broker.ts";
import type { AttachedLink } from "../pdp/attached-link.ts";
import type { Attachments } from "../pdp/attachments.ts";
import { promisedUntil, staticMs, usableMs } from "../pdp/reuse.ts";
import type { Clock } from "../runtime/clock.ts";
import { toWireDecision } from "./to-wire.ts";

/** What an answer is accounted with. */
export interface AccountingParts {
  readonly attachments: Attachments;
  readonly clock: Clock;
  /** Longest use of one answer, milliseconds. */
  readonly usableMs: number;
  /** Told, before the promise is made, until when somebody may go on allowing without hearing of changes, unix seconds. */
  readonly promised?: (until: number) => void;
}

/** An answer that may not be used again. */
export function unusable(decision: Decision): wire.AttachedResult {
  return { decision: toWireDecision(decision), usable_ms: 0, rests_on: [], fail_static_ms: 0 };
}

/** The answer as it leaves now, noted with the link. */
export function attachedResult(
  link: AttachedLink,
  query: Query,
  decision: Decision,
  { attachments, clock, promised, usableMs: mostMs }: AccountingParts,
): wire.AttachedResult {
  const usable_ms = usableMs(query, decision, clock.wallMs(), mostMs);
  const { durationMs, marginMs } = attachments.terms;
  const now = { monotonicMs: clock.monotonicMs(), unixS: clock.now() };
  // An allow on its way counts as remembered: it may be read as long as the lease lasts.
  const reachMs = decision.allow ? Math.max(usable_ms, durationMs) : usable_ms;
  const alone = link.failsStatic(query.kind) ? staticMs(decision, usable_ms, clock.wallMs()) : 0;
  const staticUntil = alone === 0 ? 0 : promisedUntil(now.unixS, alone);
  if (staticUntil > 0) promised?.(staticUntil);
  if (reachMs > 0) link.remembers(decision.rests_on, now.monotonicMs + reachMs + marginMs, now, staticUntil);
  if (usable_ms === 0) return unusable(decision);
  return {
    decision: toWireDecision(decision),
    usable_ms,
    rests_on: decision.rests_on as unknown as string[],
    fail_static_ms: alone,
  };
}
