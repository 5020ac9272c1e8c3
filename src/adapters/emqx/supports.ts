/** What EMQX's HTTP authentication and authorization can say and do. */
import type { Supports } from "../../decision/supports.ts";

/**
 * By EMQX's documented contract (5.8 and later for `acl`); no broker of this kind was run.
 * - Authentication answers with the whole list (`acl`) and `expire_at`: the client is disconnected then, so
 *   `session_ttl_s` is kept. QoS and retain are part of each rule.
 * - `cert_pem` in the body of the request is the client's certificate as EMQX saw it.
 */
export const supports: Supports = {
  broker: "emqx 5.8 http",
  checked: "by its calls",
  asks: "each",
  says: {
    qos: true,
    retain: true,
    certificate: true,
    will_at_connect: false,
    will_when_fired: true,
    delivery: false,
  },
  denied_publish: "drops",
  keeps_qos0: true,
  enforces: {
    connect: new Set(["session_ttl_s", "recheck_after_s", "max_qos", "retry_after_s"]),
    publish: new Set(["session_ttl_s", "recheck_after_s", "max_qos"]),
    subscribe: new Set(["session_ttl_s", "recheck_after_s", "max_qos"]),
  },
};
