/** What RabbitMQ's HTTP backend can say and do. */
import type { Supports } from "../../decision/supports.ts";

/**
 * `rabbitmq_auth_backend_http` with the MQTT plugin (3.10, MQTT 3.1.1), as 3.10.8 does it.
 * - It tells neither QoS nor retain nor a certificate: the broker's own caps are asked about instead.
 * - It asks once per connection and topic and remembers the last 12 allows without a time limit. So a session ends
 *   by being closed: `session_ttl_s` and `disconnect` need the management API (`kick`).
 */
export function supports(kicks: boolean): Supports {
  const session = kicks ? (["session_ttl_s", "disconnect", "retry_after_s"] as const) : ([] as const);
  return {
    broker: "rabbitmq 3.10",
    checked: "with the broker",
    asks: "each",
    says: {
      qos: false,
      retain: false,
      certificate: false,
      will_at_connect: false,
      will_when_fired: true,
      delivery: false,
    },
    denied_publish: "closes",
    keeps_qos0: true,
    enforces: { connect: new Set(session), publish: new Set(session), subscribe: new Set(session) },
  };
}
