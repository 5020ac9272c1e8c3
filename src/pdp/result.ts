/** What a policy returned: checked once, then rendered for every answer that rests on it. */
import type { Obligations, PolicyObligations } from "../decision/obligations.ts";
import { obligationNames } from "../decision/obligations.ts";
import type { RetryClass } from "../decision/reasons.ts";
import {
  type DenyReason,
  isAllowReason,
  isDenyReason,
  type Reason,
  retryClass,
} from "../decision/reasons.ts";

/** A checked policy result: a verdict with obligations that hold nothing relative to the moment of asking. */
export interface Verdict {
  readonly allow: boolean;
  readonly reason: Reason;
  readonly findings: readonly string[];
  readonly retry: RetryClass | undefined;
  /** Obligations as they are for every answer. */
  readonly fixed: Obligations;
  /** Obligations that follow from the moment of asking; `undefined` where there are none. */
  readonly relative: PolicyObligations | undefined;
  /** Whether answering needs a durable effect first; such verdicts are never cached. */
  readonly effect: boolean;
}

const relativeNames = [
  "session",
  "reattest_within_s",
  "rotate_within_s",
  "review_within_s",
  "retry_at",
] as const;
const known: ReadonlySet<string> = new Set([...obligationNames, ...relativeNames]);

const obligationTypes: Readonly<Record<keyof Obligations, "number" | "boolean" | "string" | "strings">> = {
  session_ttl_s: "number",
  recheck_after_s: "number",
  rate_class: "string",
  max_qos: "number",
  reattest_by: "number",
  rotate_credential_by: "number",
  update_by: "number",
  mark_reentry: "boolean",
  resync_clock: "boolean",
  route: "string",
  audit: "string",
  alert: "string",
  disconnect: "boolean",
  retry_after_s: "number",
  consume_claim: "boolean",
  review_by: "number",
  notify: "strings",
  command_ttl_s: "number",
  artifact: "string",
  resume: "boolean",
  expires_at: "number",
  fail_static_s: "number",
};

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}

function isObligation(name: string, value: unknown): boolean {
  if (name === "session") {
    if (typeof value !== "object" || value === null) return false;
    const { max_s, until } = value as Record<string, unknown>;
    return Number.isSafeInteger(max_s) && (until === undefined || Number.isSafeInteger(until));
  }
  if (!Object.hasOwn(obligationTypes, name)) return Number.isSafeInteger(value);
  switch (obligationTypes[name as keyof Obligations]) {
    case "number":
      return Number.isSafeInteger(value);
    case "boolean":
      return typeof value === "boolean";
    case "string":
      return typeof value === "string";
    case "strings":
      return isStrings(value);
  }
}

function readObligations(
  value: unknown,
): { fixed: Obligations; relative: PolicyObligations | undefined } | undefined {
  if (value === undefined) return { fixed: {}, relative: undefined };
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const fixed: Record<string, unknown> = {};
  const relative: Record<string, unknown> = {};
  for (const [name, each] of Object.entries(value)) {
    // An obligation that the host does not know could not be passed on: refuse the whole result.
    if (!known.has(name) || !isObligation(name, each)) return undefined;
    if ((relativeNames as readonly string[]).includes(name)) relative[name] = each;
    else fixed[name] = each;
  }
  return {
    fixed: Object.freeze(fixed),
    relative: Object.keys(relative).length === 0 ? undefined : (Object.freeze(relative) as PolicyObligations),
  };
}

/** Checks a policy result; `undefined` when it is no result, which is the denial `internal_error`. */
export function readVerdict(result: unknown): Verdict | undefined {
  if (typeof result !== "object" || result === null) return undefined;
  const { allow, reason, findings = [], obligations } = result as Record<string, unknown>;
  if (typeof allow !== "boolean" || typeof reason !== "string" || !isStrings(findings)) return undefined;
  if (allow ? !isAllowReason(reason) : !isDenyReason(reason)) return undefined;
  const read = readObligations(obligations);
  if (read === undefined) return undefined;
  const { fixed, relative } = read;
  return Object.freeze({
    allow,
    reason: reason as Reason,
    findings: Object.freeze([...findings]),
    retry: allow ? undefined : retryClass(reason as DenyReason),
    fixed,
    relative,
    effect: fixed.mark_reentry === true || fixed.consume_claim === true,
  });
}

/** A verdict of the host itself. */
export function hostVerdict(
  reason: DenyReason,
  fixed: Obligations = {},
  findings: readonly string[] = [],
): Verdict {
  const retry = retryClass(reason);
  const obligations =
    retry === "backoff" && fixed.retry_after_s === undefined ? { ...fixed, retry_after_s: 5 } : fixed;
  return Object.freeze({
    allow: false,
    reason,
    findings,
    retry,
    fixed: Object.freeze({ ...obligations }),
    relative: undefined,
    effect: false,
  });
}

/** The obligations of a verdict for an answer given at `now`. */
export function renderObligations(verdict: Verdict, now: number): Obligations {
  const { relative } = verdict;
  if (relative === undefined) return verdict.fixed;
  const rendered: { -readonly [K in keyof Obligations]: Obligations[K] } = { ...verdict.fixed };
  if (relative.session !== undefined) {
    const { max_s, until } = relative.session;
    rendered.session_ttl_s = until === undefined ? max_s : Math.min(max_s, until - now);
  }
  if (relative.reattest_within_s !== undefined) rendered.reattest_by ??= now + relative.reattest_within_s;
  if (relative.rotate_within_s !== undefined)
    rendered.rotate_credential_by ??= now + relative.rotate_within_s;
  if (relative.review_within_s !== undefined) rendered.review_by ??= now + relative.review_within_s;
  if (relative.retry_at !== undefined) rendered.retry_after_s ??= Math.max(1, relative.retry_at - now);
  return rendered;
}
