/** What ExHook asks as questions. */
import type { SessionQuery } from "../../decision/query.ts";
import { type BrokerDoor, loginEvidence } from "../../enforcement/broker-door.ts";
import type { BrokerSession } from "../../enforcement/broker-session.ts";
import type { Arrival } from "../../enforcement/enforcement-point.ts";

/** What is read of a client; v2 and v3 agree. */
export interface HookClient {
  readonly clientid: string;
  readonly username: string;
  readonly password: string;
  readonly peerhost: string;
  /** 0: not told. */
  readonly peerport: number;
}

/** Which of a client's connections it is: the port that it comes from. */
export function connectionOf({ peerport }: HookClient): number | undefined {
  return peerport === 0 ? undefined : peerport;
}

/** Somebody who connects. */
export function toArrival(client: HookClient): Arrival {
  const { clientid, username, password, peerhost } = client;
  const connection = connectionOf(client);
  return {
    names: { clientId: clientid, username, ...(connection === undefined ? {} : { connection }) },
    evidence: loginEvidence(username, password),
    address: peerhost,
  };
}

/** A publish (type 0) or a subscription (1), at the caps of the broker. `undefined`: neither. */
export function toQuery(
  door: BrokerDoor,
  { subject }: BrokerSession,
  type: number,
  topic: string,
): SessionQuery | undefined {
  if (type === 0) return { kind: "publish", subject, topic, qos: door.maxQos, retain: door.mayRetain };
  return type === 1 ? { kind: "subscribe", subject, filter: topic, qos: door.maxQos } : undefined;
}
