/** How long an answer may be used again by somebody who is told of changes, and until when by one who is not. */
import { unboundedUntil } from "../coherence/promises.ts";
import type { Decision } from "../decision/decision.ts";
import type { Query } from "../decision/query.ts";

/** Reasons that come and go with the moment of asking. */
const passing: ReadonlySet<string> = new Set([
  "internal_error",
  "rate_limited",
  "facts_not_ready",
  "facts_stale",
  "ok_stale_facts",
  "admission_shed",
  "message_replayed",
]);

/** Whether nothing in the question moves with the message or the moment. */
function isSteady(query: Query): boolean {
  if (query.kind === "subscribe") return true;
  return query.kind === "publish" && query.seq === undefined && query.occurred_at === undefined;
}

/**
 * Milliseconds from `wallMs` on for which the answer stands for the same question; 0: not at all. Connects and
 * commands are never used again, nor what carries durations, which each answer computes afresh.
 */
export function usableMs(query: Query, decision: Decision, wallMs: number, mostMs: number): number {
  if (!isSteady(query) || passing.has(decision.reason) || decision.rests_on.length === 0) return 0;
  const { obligations, valid_until } = decision;
  if (obligations.session_ttl_s !== undefined || obligations.recheck_after_s !== undefined) return 0;
  if (obligations.retry_after_s !== undefined || obligations.command_ttl_s !== undefined) return 0;
  if (obligations.mark_reentry === true || obligations.consume_claim === true) return 0;
  if (valid_until === undefined) return mostMs;
  return Math.max(0, Math.min(mostMs, Math.floor(valid_until * 1000 - wallMs)));
}

/**
 * Milliseconds for which a client that reaches no node may go on with an answer, where the policy grants that; 0: not at
 * all. What may not be used again is not gone on with either, so that commands, connects and messages with a time or
 * number of their own never are.
 */
export function staticMs(decision: Decision, usable: number, wallMs: number): number {
  const granted = decision.obligations.fail_static_s ?? 0;
  if (!decision.allow || usable === 0 || granted <= 0) return 0;
  const { valid_until = Number.POSITIVE_INFINITY } = decision;
  return Math.max(0, Math.min(granted * 1000, Math.floor(valid_until * 1000 - wallMs)));
}

/** Unix seconds by which such a promise has ended on any clock: two clocks drift apart by less than 1 %. */
export function promisedUntil(now: number, forMs: number): number {
  return now + Math.ceil((forMs * 1.01) / 1000) + 1;
}

/** Unix seconds until which a caller who cannot be told may go on with an answer; 0: it allows nothing. */
export function mayAllowUntil(decision: Decision, now: number): number {
  if (!decision.allow) return 0;
  const { session_ttl_s } = decision.obligations;
  const until = decision.valid_until ?? unboundedUntil;
  return session_ttl_s === undefined ? until : Math.max(until, now + session_ttl_s);
}
