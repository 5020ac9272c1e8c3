/** What Aedes can say and do. */
import type { Supports } from "../../decision/supports.ts";

/**
 * Aedes 1.2, MQTT 3.1 and 3.1.1 (it refuses MQTT 5 at CONNECT).
 * - `session_ttl_s` closes the connection unless a recheck has renewed the session.
 * - `recheck_after_s` asks the connect question and every granted filter again; a denial closes or unsubscribes.
 * - `rate_class` slows the client down by back-pressure, each publish waiting for its token.
 * - `max_qos` caps what is delivered. The SUBACK still names the QoS that was asked for: Aedes fixes it
 *   before it asks.
 * - `retry_after_s` accompanies denials only; a CONNACK of MQTT 3.1.1 cannot carry it (return code 3 is sent).
 * - `command_ttl_s` is kept at QoS 0, not retained: Aedes keeps no such message for a client that is away.
 * - `route`, and `command_ttl_s` of any other message, cannot be done: such an allow is a denial.
 */
export const supports: Supports = {
  broker: "aedes 1.2",
  checked: "with the broker",
  asks: "each",
  says: {
    qos: true,
    retain: true,
    certificate: true,
    will_at_connect: true,
    will_when_fired: true,
    delivery: true,
  },
  denied_publish: "closes",
  keeps_qos0: false,
  enforces: {
    connect: new Set([
      "session_ttl_s",
      "recheck_after_s",
      "rate_class",
      "max_qos",
      "disconnect",
      "retry_after_s",
    ]),
    publish: new Set(["session_ttl_s", "recheck_after_s", "rate_class", "disconnect", "retry_after_s"]),
    subscribe: new Set([
      "session_ttl_s",
      "recheck_after_s",
      "rate_class",
      "max_qos",
      "disconnect",
      "retry_after_s",
    ]),
  },
};
