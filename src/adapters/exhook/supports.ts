/** What EMQX's ExHook can say and do. */
import type { Supports } from "../../decision/supports.ts";

/**
 * ExHook v2 (EMQX 5.0 to 5.8) and v3 (5.9), by its published contract; no broker of this kind was run.
 * - It tells neither QoS nor retain, of a certificate only its names, and of a shared subscription only the filter.
 * - A will is asked about when it is published. EMQX remembers an answer per connection (1 minute by default) and never
 *   asks about a subscription again: `session_ttl_s` and `disconnect` need its REST API (`kick`).
 */
export function supports(kicks: boolean): Supports {
  const session = kicks ? (["session_ttl_s", "disconnect", "retry_after_s"] as const) : ([] as const);
  return {
    broker: "emqx exhook v2, v3",
    checked: "by its calls",
    asks: "each",
    says: {
      qos: false,
      retain: false,
      certificate: false,
      will_at_connect: false,
      will_when_fired: true,
      delivery: false,
    },
    denied_publish: "drops",
    keeps_qos0: true,
    enforces: { connect: new Set(session), publish: new Set(session), subscribe: new Set(session) },
  };
}
