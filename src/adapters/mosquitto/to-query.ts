/** What mosquitto-go-auth asks as questions. */
import type { SessionQuery } from "../../decision/query.ts";
import type { BrokerDoor } from "../../enforcement/broker-door.ts";
import type { BrokerSession } from "../../enforcement/broker-session.ts";

/** Kinds of access. */
export const access = { read: 1, write: 2, readWrite: 3, subscribe: 4 } as const;

/**
 * A publish or a will (2), a subscription (4, its `$share` prefix included), a delivery (1: may the session subscribe to
 * exactly this topic?). Empty: nothing that could be allowed. Both (3) must be allowed both.
 */
export function toQueries(
  door: BrokerDoor,
  { subject }: BrokerSession,
  acc: number,
  topic: string,
): readonly SessionQuery[] {
  const write: SessionQuery = { kind: "publish", subject, topic, qos: door.maxQos, retain: door.mayRetain };
  const read: SessionQuery = { kind: "subscribe", subject, filter: topic, qos: door.maxQos };
  switch (acc) {
    case access.write:
      return [write];
    case access.read:
    case access.subscribe:
      return [read];
    case access.readWrite:
      return [write, read];
    default:
      return [];
  }
}
