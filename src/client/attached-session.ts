/** A session of a broker that is attached: kept in step with what the service still grants. */
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

/** How often a transient denial is asked about again before the session is closed. */
const attempts = 3;
const longestPauseMs = 1000;

/** The client's side of a session. */
export class OpenSession {
  readonly id: number;
  readonly parts: SessionParts;
  readonly filters: Map<string, 0 | 1 | 2> = new Map();
  #open = true;

  constructor(id: number, parts: SessionParts) {
    this.id = id;
    this.parts = parts;
  }

  /** Whether it is still there. */
  get open(): boolean {
    return this.#open;
  }

  /** The broker closed it. */
  closed(): void {
    this.#open = false;
  }

  /** Closes it. */
  end(reason: string): void {
    if (!this.#open) return;
    this.#open = false;
    this.parts.onEnd(reason);
  }

  /** Asks about it again and takes away what is no longer granted. Returns whether it is still open. */
  async recheck(decide: (query: Query) => Promise<Decision>): Promise<boolean> {
    const { subject } = this.parts;
    const connect = await this.#settled({ kind: "connect", subject }, decide);
    if (!this.#open) return false;
    if (!connect.allow) {
      this.end(connect.reason);
      return false;
    }
    await Promise.all(
      [...this.filters].map(async ([filter, qos]) => {
        const granted = await this.#settled({ kind: "subscribe", subject, filter, qos }, decide);
        if (granted.allow || !this.#open || !this.filters.delete(filter)) return;
        this.parts.onRevoked(filter);
      }),
    );
    return this.#open;
  }

  async #settled(query: Query, decide: (query: Query) => Promise<Decision>): Promise<Decision> {
    for (let attempt = 1; ; attempt++) {
      const decision = await decide(query);
      if (decision.allow || decision.retry !== "backoff" || attempt === attempts) return decision;
      const pauseMs = Math.min(longestPauseMs, (decision.obligations.retry_after_s ?? 1) * 1000);
      await new Promise((resolve) => setTimeout(resolve, pauseMs * (0.5 + Math.random() / 2)));
    }
  }
}
