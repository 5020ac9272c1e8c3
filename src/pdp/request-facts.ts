/** The `request` part of a policy input: what the message says, and what the peer's entry says. */
import type { Peer } from "../decision/identity.ts";
import type { CommandQuery, SessionQuery } from "../decision/query.ts";
import type { Session } from "./session.ts";

type RequestFacts = Record<string, unknown>;

function place(peer: Peer): RequestFacts {
  return { env: peer.env, region: peer.region, endpoint: peer.endpoint };
}

function sessionFacts(kind: string, session: Session): RequestFacts {
  const facts: RequestFacts = { kind, ...place(session.peer), client_id: session.clientId };
  if (session.gateway !== undefined) facts["via"] = session.gateway.id;
  return facts;
}

/** Request facts of a device's own question; `now` stands in for a message time that is not given. */
export function requestFacts(session: Session, query: SessionQuery, now: number): RequestFacts {
  const facts = sessionFacts(query.kind, session);
  switch (query.kind) {
    case "connect":
      if (query.device_time !== undefined) facts["device_time"] = query.device_time;
      facts["will"] = query.will ?? null;
      return facts;
    case "publish":
      facts["topic"] = query.topic;
      facts["qos"] = query.qos;
      facts["retain"] = query.retain;
      facts["occurred_at"] = query.occurred_at ?? now;
      return facts;
    case "subscribe":
      facts["filter"] = query.filter;
      facts["qos"] = query.qos;
      return facts;
    default:
      return query satisfies never;
  }
}

/** Request facts of a grant list. */
export function grantFacts(session: Session): RequestFacts {
  return sessionFacts("grants", session);
}

/** Request facts of a command. */
export function commandFacts(peer: Peer, query: CommandQuery): RequestFacts {
  const facts: RequestFacts = {
    kind: "command",
    ...place(peer),
    source_zone: peer.source_zone,
    command: query.command,
  };
  if (query.via !== undefined) facts["via"] = query.via;
  return facts;
}

/** Request facts of an OTA question. */
export function otaFacts(peer: Peer): RequestFacts {
  return { kind: "ota", ...place(peer) };
}

// One code for each way to ask about the same text.
const publishCodes = [0, 1, 2];
const retainedCodes = [3, 4, 5];
const subscribeCodes = [6, 7, 8];
const connectCode = 9;
const willCodes = [10, 11, 12];
const retainedWillCodes = [13, 14, 15];
const withDeviceClock = 16;

/** The code of a malformed question. */
export const malformedCode = -1;

/**
 * With {@link questionText} the key of a question within its session: every field of the query that a policy
 * can see, except those that are guards (message time, device clock).
 */
export function questionCode(query: SessionQuery): number {
  switch (query.kind) {
    case "publish":
      return (query.retain ? retainedCodes : publishCodes)[query.qos] ?? malformedCode;
    case "subscribe":
      return subscribeCodes[query.qos] ?? malformedCode;
    case "connect": {
      const { will } = query;
      const code = will === undefined ? connectCode : (will.retain ? retainedWillCodes : willCodes)[will.qos];
      if (code === undefined) return malformedCode;
      return query.device_time === undefined ? code : code + withDeviceClock;
    }
    default:
      return query satisfies never;
  }
}

/** The topic or filter of a question; of a connect its will's topic, or nothing. */
export function questionText(query: SessionQuery): string {
  switch (query.kind) {
    case "publish":
      return query.topic;
    case "subscribe":
      return query.filter;
    case "connect":
      return query.will === undefined ? "" : query.will.topic;
    default:
      return query satisfies never;
  }
}
