/** What a broker's dialect can say and do: declared by each adapter, held to by its conformance test. */
import { advisoryObligations, type Obligations, serviceObligations } from "./obligations.ts";

/** Questions that an enforcement point asks for its clients. */
export type SessionKind = "connect" | "publish" | "subscribe";

/** The declaration of one adapter. */
export interface Supports {
  /** Broker and version range that this is about. */
  readonly broker: string;
  /** What the tests speak to: the broker itself, or only its calls, replayed as its contract has them. */
  readonly checked: "with the broker" | "by its calls";
  /**
   * `each`: each publish and subscription is a question of its own. `at_connect`: the broker holds a session to the list of
   * filters that it was given at connect, so that only obligations of the session can reach it.
   */
  readonly asks: "each" | "at_connect";
  /** What reaches the question. `false`: the broker does not tell. */
  readonly says: {
    readonly qos: boolean;
    readonly retain: boolean;
    /** The certificate chain of the TLS handshake. */
    readonly certificate: boolean;
    readonly will_at_connect: boolean;
    readonly will_when_fired: boolean;
    /** Each delivery to a subscriber is asked about or checked against what was granted. */
    readonly delivery: boolean;
  };
  /** What a denied publish does to the device's connection, where the adapter has no choice or by default. */
  readonly denied_publish: "closes" | "drops";
  /** Whether a message of QoS 0 that is not retained may be kept for a subscriber that is away. */
  readonly keeps_qos0: boolean;
  /** Obligations that are really carried out, by the kind of question whose allow brought them. */
  readonly enforces: Readonly<Record<SessionKind, ReadonlySet<keyof Obligations>>>;
}

/**
 * Names of the obligations of an allow that nobody would carry out: not enforced here, not advisory, not a
 * duty of the service. Any such name turns the allow into a denial. An obligation that this version does
 * not know is one of them.
 */
export function unenforceable(supports: Supports, kind: SessionKind, obligations: Obligations): string[] {
  const enforced = supports.enforces[kind];
  const missing: string[] = [];
  for (const [name, value] of Object.entries(obligations) as [keyof Obligations, unknown][]) {
    if (value === undefined || value === false) continue;
    if (enforced.has(name) || advisoryObligations.has(name) || serviceObligations.has(name)) continue;
    // FACTS: `recheck_after_s` is advisory where `session_ttl_s` is enforced.
    if (name === "recheck_after_s" && enforced.has("session_ttl_s")) continue;
    missing.push(name);
  }
  return missing;
}
