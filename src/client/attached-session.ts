/** A session of a broker that is attached: kept in step with what the service still grants. */
import type { Decision } from "../decision/decision.ts";
import type { Query } from "../decision/query.ts";
import type { SessionParts } from "../enforcement/session-notices.ts";

/** How often a transient denial is asked about again before the session is closed. */
const attempts = 3;
const longestPauseMs = 1000;

/** The client's side of a session. */
export class OpenSession {
  readonly id: number;
  readonly parts: SessionParts;
  readonly filters: Map<string, 0 | 1 | 2> = new Map();
  #open = true;
  /** It was closed because trust was withdrawn, not by the broker. */
  withdrawn = false;

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
    this.withdrawn = true;
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
    this.parts.onRenewed?.({ kind: "connect", subject }, connect);
    await Promise.all(
      [...this.filters].map(async ([filter, qos]) => {
        const query = { kind: "subscribe", subject, filter, qos } as const;
        const granted = await this.#settled(query, decide);
        if (!this.#open || !this.filters.has(filter)) return;
        if (granted.allow) {
          this.parts.onRenewed?.(query, granted);
          return;
        }
        this.filters.delete(filter);
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
