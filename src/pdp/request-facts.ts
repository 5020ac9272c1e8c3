/** The `request` part of a policy input: what the message says, and what the peer's entry says. */
import type { Peer } from "../decision/identity.ts";
import type { Query } from "../decision/query.ts";
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
export function requestFacts(
  session: Session,
  query: Exclude<Query, { kind: "command" }>,
  now: number,
): RequestFacts {
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
export function commandFacts(peer: Peer, query: Extract<Query, { kind: "command" }>): RequestFacts {
  const facts: RequestFacts = {
    kind: "command",
    ...place(peer),
    source_zone: peer.source_zone,
    command: query.command,
  };
  if (query.via !== undefined) facts["via"] = query.via;
  return facts;
}

const publishKeys = ["p0", "p1", "p2"];
const retainedKeys = ["P0", "P1", "P2"];
const subscribeKeys = ["s0", "s1", "s2"];
const willKeys = ["w0", "w1", "w2"];
const retainedWillKeys = ["W0", "W1", "W2"];

/**
 * The key of a question within its session: every field of the query that a policy can see, except those
 * that are guards (message time, device clock). `undefined` where the query is malformed.
 */
export function questionKey(query: Exclude<Query, { kind: "command" }>): string | undefined {
  switch (query.kind) {
    case "publish": {
      const prefix = (query.retain ? retainedKeys : publishKeys)[query.qos];
      return prefix === undefined ? undefined : prefix + query.topic;
    }
    case "subscribe": {
      const prefix = subscribeKeys[query.qos];
      return prefix === undefined ? undefined : prefix + query.filter;
    }
    case "connect": {
      const clock = query.device_time === undefined ? "c" : "C";
      const { will } = query;
      if (will === undefined) return clock;
      const prefix = (will.retain ? retainedWillKeys : willKeys)[will.qos];
      return prefix === undefined ? undefined : clock + prefix + will.topic;
    }
    default:
      return query satisfies never;
  }
}
