/**
 * Sessions of one broker that several processes enforce: any of them may be asked about any client. One directory knows
 * which session of a client counts; each process keeps copies of those that it was asked about.
 */
import type { BrokerSession } from "./broker-session.ts";

/** A session as processes tell each other of it. */
export type SharedSession = Pick<
  BrokerSession,
  "id" | "names" | "question" | "decision" | "endsAtMs" | "given"
>;

/** The directory, as one process sees it, by `keyOf` of a session's names. Promises reject where it cannot be asked. */
export interface SessionExchange {
  /** A session counts from now on, in the place of any other of its client; the others have forgotten that when this resolves. */
  opened(session: SharedSession): Promise<void>;
  /** The session of a client that counts; from now on this process is told when it ends. */
  find(key: string): Promise<SharedSession | undefined>;
  /** Ends a session everywhere. Resolves to whether this process is the one that tells the broker. */
  ending(key: string, id: string): Promise<boolean>;
  /** The broker has ended it, as it said or confirmed. */
  gone(key: string, id: string): void;
}

/** What others are told of a session. */
export function shared({ decision, endsAtMs, given, id, names, question }: BrokerSession): SharedSession {
  return { id, names, question, decision, endsAtMs, ...(given === undefined ? {} : { given }) };
}

/** A session that another process let in. */
export function adopted(told: SharedSession): BrokerSession {
  return {
    ...told,
    subject: told.question.subject,
    restsOn: new Set(told.decision.rests_on),
    ended: false,
  };
}
