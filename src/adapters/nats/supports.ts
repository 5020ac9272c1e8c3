/** What NATS auth callout can say and do. */
import type { Supports } from "../../decision/supports.ts";

/**
 * nats-server 2.10 and later, checked with 2.15: NATS and MQTT 3.1.1 clients.
 * - It asks once, at connect, and holds the session to subjects until the JWT expires: `session_ttl_s` is kept.
 * - It knows neither QoS nor retain: the server's own settings (`reject_qos2_publish`, `downgrade_qos2_subscribe`) cap
 *   the first, nothing the second.
 * - Each publish and delivery is checked against the granted subjects, so a will is too when it fires.
 */
export function supports(kicks: boolean): Supports {
  return {
    broker: "nats-server 2.15",
    checked: "with the broker",
    asks: "at_connect",
    says: {
      qos: false,
      retain: false,
      certificate: true,
      will_at_connect: false,
      will_when_fired: true,
      delivery: true,
    },
    denied_publish: "drops",
    keeps_qos0: true,
    enforces: {
      connect: new Set(
        kicks
          ? ["session_ttl_s", "recheck_after_s", "disconnect", "retry_after_s"]
          : ["session_ttl_s", "recheck_after_s", "retry_after_s"],
      ),
      publish: new Set(["session_ttl_s", "recheck_after_s"]),
      subscribe: new Set(["session_ttl_s", "recheck_after_s"]),
    },
  };
}
