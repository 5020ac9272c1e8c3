/** Who is told of a broker's sessions, so that they can be closed or stripped when trust is withdrawn. */
import type { Decision } from "../decision/decision.ts";
import type { Query, Subject } from "../decision/query.ts";

/** What a broker says of a session after its connect was allowed. */
export interface SessionParts {
  readonly subject: Subject;
  /** The decision that allowed the connect, as `decide` gave it. */
  readonly connect: Decision;
  /** Closes it. Called at most once; `reason` is a reason code, or `disconnect`. */
  readonly onEnd: (reason: string) => void;
  /** Removes a subscription that is no longer granted. */
  readonly onRevoked: (filter: string) => void;
  /** Told each allow when the session is asked about again: connect, then each subscription. May close the session. */
  readonly onRenewed?: (query: Query, decision: Decision) => void;
}

/** A session as the broker holds it. */
export interface AttachedSession {
  readonly id: number;
  /** A subscription was granted. */
  subscribed(filter: string, qos: 0 | 1 | 2): void;
  /** A subscription is gone. */
  unsubscribed(filter: string): void;
  /** The session is gone. */
  closed(): void;
}

/** Somebody who announces sessions to the decision service: an attached client. */
export interface SessionAnnouncer {
  /** Announces a session whose connect was allowed. */
  session(parts: SessionParts): AttachedSession;
}
