/** What happens in Aedes as questions. */
import type { Evidence } from "../../decision/identity.ts";
import { isSafeId } from "../../decision/ids.ts";
import type { ConnectQuery, PublishQuery, Subject, SubscribeQuery } from "../../decision/query.ts";
import type { AedesPacket, AedesSubscription, AedesWill } from "./dialect.ts";

/** Which device a topic or filter belongs to; `undefined`: none, or more than one. */
export type DeviceOf = (topic: string) => string | undefined;

/** The layout of the shipped profiles: `t/<tenant>/d/<device>/...`. */
export const defaultDeviceOf: DeviceOf = (topic) => {
  const [root, , branch, device] = topic.split("/", 4);
  if (root !== "t" || branch !== "d" || device === undefined) return undefined;
  return isSafeId(device) ? device : undefined;
};

/** A filter without its `$share/<group>/` prefix. */
export function withoutShare(filter: string): string {
  if (!filter.startsWith("$share/")) return filter;
  const group = filter.indexOf("/", "$share/".length);
  return group === -1 ? filter : filter.slice(group + 1);
}

/**
 * The subject of a connection. MQTT always has a client id, so it is always compared: one that the broker
 * made up for an empty one [MQTT-3.1.3-6] is nobody's.
 */
export function toSubject(clientId: string, proof: Evidence | null): Subject {
  return { client_id: clientId, proof };
}

/** The device that a gateway's connection speaks for, on the gateway's proof. */
export function toLeafSubject(gateway: Subject, deviceId: string): Subject {
  return {
    client_id: "",
    proof: null,
    device_id: deviceId,
    via: { gateway_id: gateway.client_id, proof: gateway.proof },
  };
}

/** CONNECT, its last will included. */
export function toConnectQuery(subject: Subject, will: AedesWill | undefined): ConnectQuery {
  if (will === undefined) return { kind: "connect", subject };
  return {
    kind: "connect",
    subject,
    will: { topic: will.topic, qos: will.qos ?? 0, retain: will.retain ?? false },
  };
}

/** PUBLISH, or a last will that fires. */
export function toPublishQuery(subject: Subject, packet: AedesPacket): PublishQuery {
  return {
    kind: "publish",
    subject,
    topic: packet.topic,
    qos: packet.qos ?? 0,
    retain: packet.retain ?? false,
  };
}

/** One filter of a SUBSCRIBE, `$share` prefix included. */
export function toSubscribeQuery(subject: Subject, subscription: AedesSubscription): SubscribeQuery {
  return { kind: "subscribe", subject, filter: subscription.topic, qos: subscription.qos ?? 0 };
}
