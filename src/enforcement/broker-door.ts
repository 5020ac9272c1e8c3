/** What a dialect needs of the program that mounts it: one broker, one enforcement point. */
import type { Decision } from "../decision/decision.ts";
import type { Evidence } from "../decision/identity.ts";
import type { Subject } from "../decision/query.ts";
import type { BrokerSession } from "./broker-session.ts";
import type { EnforcementPoint } from "./enforcement-point.ts";

/** One entry of a grant list. Deny entries beat allow entries. */
export interface DoorGrant {
  readonly action: "publish" | "subscribe";
  readonly effect: "allow" | "deny";
  readonly filter: string;
  readonly max_qos: number;
  readonly retain: boolean;
}

/** The filters of a session, and until when they hold. */
export interface DoorGrants {
  readonly decision: Decision;
  readonly grants: readonly DoorGrant[];
  readonly session_expires_at?: number | undefined;
}

/** One broker's door. */
export interface BrokerDoor {
  readonly point: EnforcementPoint;
  /** Where the dialect cannot tell: the highest QoS that the broker takes. */
  readonly maxQos: 0 | 1 | 2;
  /** Where the dialect cannot tell: whether the broker takes retained messages. */
  readonly mayRetain: boolean;
  /** For how long the broker itself remembers an answer, in seconds, whatever it is told. */
  readonly cacheS: number;
  readonly now: () => number;
  /** The filters of a session that was let in. */
  readonly grants: (subject: Subject) => Promise<DoorGrants>;
  /** Told of every allow that leaves, and until when the broker may act on it. */
  readonly promised: (decision: Decision, until: number) => void;
}

const compactJws = /^eyJ[\w-]*\.[\w-]+\.[\w-]+$/;

/**
 * The evidence behind a user name and a password: a password that looks like a compact JWS is one, any other needs a
 * user name beside it. A name alone proves nothing.
 */
export function loginEvidence(username: string, password: string): Evidence | null {
  if (password === "") return null;
  if (compactJws.test(password)) return { type: "jwt", token: password };
  return username === "" ? null : { type: "secret", name: username, secret: password };
}

/** Highest QoS of an answer within a session: that of the answer and that of the session. */
export function qosCap(session: BrokerSession, { obligations }: Decision): 0 | 1 | 2 {
  return Math.min(obligations.max_qos ?? 2, session.decision.obligations.max_qos ?? 2) as 0 | 1 | 2;
}

/** How long an allow may be used by a broker that is told so, in whole seconds from now. */
export function usableS({ now, cacheS }: BrokerDoor, decision: Decision): number {
  const { valid_until } = decision;
  return Math.max(0, Math.min(cacheS, valid_until === undefined ? cacheS : valid_until - now()));
}

/** Where nothing bounds it: the end of the year 9999. */
export const neverS = 253_402_300_799;

/** Until when an allow that was told once may be acted on: the end of the session at the latest. */
export function actableUntil(door: BrokerDoor, decision: Decision): number {
  const ttl = decision.obligations.session_ttl_s;
  return ttl === undefined ? neverS : door.now() + ttl + door.cacheS;
}
