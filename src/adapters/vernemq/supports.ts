/** What VerneMQ's webhooks can say and do. */
import type { Supports } from "../../decision/supports.ts";

/**
 * `vmq_webhooks`, by its documented contract; no broker of this kind was run.
 * - Wills are authorised at CONNECT as publishes. Certificates and deliveries are not told.
 * - An allow is remembered for `Cache-Control: max-age`; a connection is never ended, so `session_ttl_s` needs the
 *   HTTP administration interface (`kick`).
 */
export function supports(kicks: boolean): Supports {
  const session = kicks ? (["session_ttl_s", "disconnect", "retry_after_s"] as const) : ([] as const);
  return {
    broker: "vernemq webhooks",
    checked: "by its calls",
    asks: "each",
    says: {
      qos: true,
      retain: true,
      certificate: false,
      will_at_connect: false,
      will_when_fired: false,
      delivery: false,
    },
    denied_publish: "drops",
    keeps_qos0: true,
    enforces: {
      connect: new Set([...session, "max_qos"]),
      publish: new Set([...session, "max_qos"]),
      subscribe: new Set([...session, "max_qos"]),
    },
  };
}
