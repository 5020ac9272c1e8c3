/** What mosquitto-go-auth's gRPC backend can say and do. */
import type { Supports } from "../../decision/supports.ts";

/**
 * mosquitto 2.0 with mosquitto-go-auth 3.0 (archived upstream), its cache off.
 * - It tells no QoS, retain, address or certificate: the broker's own caps are asked about instead.
 * - Every publish and every delivery is asked about, so a session whose time is over neither sends nor receives:
 *   `session_ttl_s` and `disconnect` are kept in effect, although the connection stays.
 * - A slow answer freezes the whole broker, an error disconnects the client: neither ever leaves this adapter.
 */
export const supports: Supports = {
  broker: "mosquitto-go-auth 3.0",
  checked: "by its calls",
  asks: "each",
  says: {
    qos: false,
    retain: false,
    certificate: false,
    will_at_connect: false,
    will_when_fired: true,
    delivery: true,
  },
  denied_publish: "drops",
  keeps_qos0: true,
  enforces: {
    connect: new Set(["session_ttl_s", "recheck_after_s", "disconnect", "retry_after_s"]),
    publish: new Set(["session_ttl_s", "recheck_after_s", "disconnect", "retry_after_s"]),
    subscribe: new Set(["session_ttl_s", "recheck_after_s", "disconnect", "retry_after_s"]),
  },
};
