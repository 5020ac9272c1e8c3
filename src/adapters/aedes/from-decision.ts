/** Decisions as what Aedes is told. */
import type { Decision } from "../../decision/decision.ts";
import { type SessionKind, unenforceable } from "../../decision/supports.ts";
import type { AedesPacket, ConnackError } from "./dialect.ts";
import type { Rates } from "./rates.ts";
import { supports } from "./supports.ts";

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

/** Rules on a decision: an allow with an obligation that nobody would carry out is a denial. */
export function toRuling(kind: SessionKind, decision: Decision, rates: Rates): Ruling {
  const { obligations, reason } = decision;
  const missing = decision.allow ? unenforceable(supports, kind, obligations) : [];
  const { rate_class } = obligations;
  if (decision.allow && rate_class !== undefined && !Object.hasOwn(rates, rate_class))
    missing.push("rate_class");
  const allow = decision.allow && missing.length === 0;
  return {
    allow,
    why: missing.length === 0 ? reason : `${reason}, but \`${missing.join("`, `")}\` cannot be enforced here`,
    disconnect: obligations.disconnect === true && decision.retry !== "backoff",
    transient: decision.retry === "backoff",
  };
}

/**
 * The refusal of a CONNECT [MQTT-3.2.2-4]: 3 where it passes by itself, 4 where nothing was proven, 5
 * otherwise. The message reaches the broker's `clientError` event, never the client.
 */
export function toConnackError(ruling: Ruling): ConnackError {
  const returnCode = ruling.transient ? 3 : ruling.why === "credential_missing" ? 4 : 5;
  return Object.assign(new Error(`connect refused: ${ruling.why}`), { returnCode } as const);
}

/** Where refused messages go: below `$SYS`, which no wildcard reaches [MQTT-4.7.2-1] and nobody is granted. */
export const nowhere = "$SYS/sallyport/refused";

/**
 * Turns a message into one that is acknowledged but reaches nobody: without payload, not retained, on a
 * topic that is never delivered. Aedes hands the same object on after `authorizePublish`.
 */
export function discard(packet: AedesPacket): void {
  packet.topic = nowhere;
  packet.payload = Buffer.alloc(0);
  packet.retain = false;
}
