/** What RabbitMQ asks as questions. */

import type { SessionQuery } from "../../decision/query.ts";
import type { BrokerDoor } from "../../enforcement/broker-door.ts";
import type { BrokerSession } from "../../enforcement/broker-session.ts";

/** The fields of one call. */
export type Fields = Readonly<Record<string, string>>;

/** Reads a form or a query string; of a field that comes twice the last one counts. */
export function fieldsOf(text: string): Fields {
  return Object.fromEntries(new URLSearchParams(text));
}

/**
 * A routing key as an MQTT topic name. The MQTT plugin writes `/` as `.`, so that a `.` inside a level cannot be told
 * from a separator: what is judged is what subscribers get.
 */
export function topicOf(routingKey: string): string {
  return routingKey.replaceAll(".", "/");
}

/** A binding key as an MQTT filter: `*` stands for one level. */
export function filterOf(bindingKey: string): string {
  return bindingKey
    .split(".")
    .map((level) => (level === "*" ? "+" : level))
    .join("/");
}

/** The question of a topic check; QoS and retain are the broker's caps. `undefined`: no question that we know. */
export function toQuery(door: BrokerDoor, session: BrokerSession, fields: Fields): SessionQuery | undefined {
  const { subject } = session;
  const key = fields["routing_key"] ?? "";
  if (fields["permission"] === "write")
    return { kind: "publish", subject, topic: topicOf(key), qos: door.maxQos, retain: door.mayRetain };
  if (fields["permission"] === "read")
    return { kind: "subscribe", subject, filter: filterOf(key), qos: door.maxQos };
  return undefined;
}

/** Whether a resource is one that the MQTT plugin itself needs for this session. */
export function isOwnResource(session: BrokerSession, fields: Fields): boolean {
  const name = fields["name"] ?? "";
  if (fields["resource"] === "exchange") return name === "amq.topic" && fields["permission"] !== "configure";
  if (fields["resource"] !== "queue") return false;
  const own = `mqtt-subscription-${session.names.clientId}qos`;
  return name === `${own}0` || name === `${own}1`;
}
