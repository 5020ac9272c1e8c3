/** Sessions of this broker as the decision service knows them, where it is told of them. */
import type { Decision } from "../../decision/decision.ts";
import type { Subject } from "../../decision/query.ts";
import type { AttachedSession } from "../../enforcement/session-notices.ts";
import { toRuling } from "./from-decision.ts";
import type { Settings } from "./options.ts";
import type { Session } from "./session.ts";
import { grant, revoke } from "./subscribing.ts";

/**
 * The announced sessions of one connection: its own, and of a gateway one for each device that it has subscribed for.
 * Whatever is revoked is closed or taken away at once; what is renewed is carried out like any other answer.
 */
export class Notices {
  readonly #settings: Settings;
  readonly #session: Session;
  readonly #bySubject = new Map<Subject, AttachedSession>();

  constructor(settings: Settings, session: Session) {
    this.#settings = settings;
    this.#session = session;
  }

  /** The connection was let in. */
  opened(connect: Decision): void {
    this.#announce(this.#session.subject, connect);
  }

  /** A filter was granted. `answer` allowed it. */
  subscribed(subject: Subject, filter: string, qos: 0 | 1 | 2, answer: Decision): void {
    if (!this.#bySubject.has(subject)) this.#announce(subject, answer);
    this.#bySubject.get(subject)?.subscribed(filter, qos);
  }

  /** A filter is gone. */
  unsubscribed(filter: string): void {
    for (const notice of this.#bySubject.values()) notice.unsubscribed(filter);
  }

  /** The connection is gone. */
  closed(): void {
    for (const notice of this.#bySubject.values()) notice.closed();
    this.#bySubject.clear();
  }

  #announce(subject: Subject, connect: Decision): void {
    const { rates, sessions } = this.#settings;
    if (sessions === undefined || this.#session.ended) return;
    const session = this.#session;
    const own = subject === session.subject;
    const filters = new Set<string>();
    const notice = sessions.session({
      subject,
      connect,
      onEnd: (why) => {
        this.#bySubject.delete(subject);
        if (own) session.end(why);
        else for (const filter of filters) revoke(session, filter);
      },
      onRevoked: (filter) => {
        filters.delete(filter);
        revoke(session, filter);
      },
      onRenewed: (query, decision) => {
        if (query.kind === "subscribe") grant(this.#settings, session, query, decision);
        if (query.kind !== "connect" || !own) return;
        const ruling = toRuling(session.parts.question, decision, rates);
        this.#settings.onDecision({ query: session.parts.question, decision, ruling });
        if (ruling.allow && !ruling.disconnect) session.open(decision);
        else session.end(ruling.why);
      },
    });
    this.#bySubject.set(subject, {
      id: notice.id,
      subscribed: (filter, qos) => {
        filters.add(filter);
        notice.subscribed(filter, qos);
      },
      unsubscribed: (filter) => {
        if (filters.delete(filter)) notice.unsubscribed(filter);
      },
      closed: () => notice.closed(),
    });
  }
}
