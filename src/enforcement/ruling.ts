/** From a decision to what an enforcement point does about it. */
import type { Decision } from "../decision/decision.ts";
import type { Obligations } from "../decision/obligations.ts";
import type { Query } from "../decision/query.ts";
import { type SessionKind, type Supports, unenforceable } from "../decision/supports.ts";

/** What is done about a decision. */
export interface Ruling {
  readonly allow: boolean;
  /** For people: the reason code, and what could not be enforced. */
  readonly why: string;
  /** The session is to be closed, whatever was asked. */
  readonly disconnect: boolean;
  /** A denial that passes by itself: existing sessions are kept (FACTS, `backoff`). */
  readonly transient: boolean;
}

/** What of the broker's own configuration bounds a session, where the dialect cannot carry a bound. */
export interface Bounds {
  /** Rate classes that somebody holds a session to: the adapter, or limits of the broker itself. */
  readonly rateClasses: ReadonlySet<string>;
  /** Highest QoS that the broker hands out at all. */
  readonly maxQos: 0 | 1 | 2;
}

/** A command that no subscriber waits for cannot outlive its time: at QoS 0, not retained, where none is kept. */
function passesAtOnce(supports: Supports, query: Query): boolean {
  return (
    supports.keeps_qos0 === false &&
    supports.says.qos &&
    supports.says.retain &&
    query.kind === "publish" &&
    query.qos === 0 &&
    !query.retain
  );
}

/** Rules on a decision: an allow with an obligation that nobody would carry out is a denial. */
export function ruleOn(supports: Supports, query: Query, decision: Decision, bounds: Bounds): Ruling {
  const { obligations, reason } = decision;
  const missing = decision.allow ? lacking(supports, query, obligations, bounds) : [];
  return {
    allow: decision.allow && missing.length === 0,
    why: missing.length === 0 ? reason : `${reason}, but \`${missing.join("`, `")}\` cannot be enforced here`,
    disconnect: obligations.disconnect === true && decision.retry !== "backoff",
    transient: decision.retry === "backoff",
  };
}

function lacking(supports: Supports, query: Query, obligations: Obligations, bounds: Bounds): string[] {
  const kind = query.kind as SessionKind;
  const { rate_class, max_qos } = obligations;
  const missing = unenforceable(supports, kind, obligations).filter((name) => {
    // The broker's own cap is as good as one that the dialect carries.
    if (name === "max_qos") return max_qos === undefined || max_qos < bounds.maxQos;
    if (name === "rate_class") return rate_class === undefined || !bounds.rateClasses.has(rate_class);
    return !(name === "command_ttl_s" && passesAtOnce(supports, query));
  });
  if (
    rate_class !== undefined &&
    supports.enforces[kind].has("rate_class") &&
    !bounds.rateClasses.has(rate_class)
  )
    missing.push("rate_class");
  return missing;
}
