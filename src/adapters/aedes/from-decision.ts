/** Decisions as what Aedes is told. */
import type { Decision } from "../../decision/decision.ts";
import type { Query } from "../../decision/query.ts";
import { type Bounds, type Ruling, ruleOn } from "../../enforcement/ruling.ts";
import type { AedesPacket, ConnackError } from "./dialect.ts";
import type { Rates } from "./rates.ts";
import { supports } from "./supports.ts";

export type { Ruling } from "../../enforcement/ruling.ts";

const known = new WeakMap<Rates, Bounds>();

/** Rules on a decision: an allow with an obligation that nobody would carry out is a denial. */
export function toRuling(query: Query, decision: Decision, rates: Rates): Ruling {
  let bounds = known.get(rates);
  if (bounds === undefined)
    known.set(rates, (bounds = { rateClasses: new Set(Object.keys(rates)), maxQos: 2 }));
  return ruleOn(supports, query, decision, bounds);
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
